#include "cli/commands.h"
#include "cli/confirm.h"
#include "cli/execute.h"
#include "cli/plan_file.h"
#include "cli/record.h"
#include "cli/render/plan_text.h"
#include "cli/render/text.h"
#include "cli/report_file.h"
#include "cli/shortcut.h"
#include "cli/show_plan.h"

#include <fmt/format.h>

namespace hadeploy::cli {

namespace {

int apply_saved(Context& context) {
    check_report_file(context.args.html, kHtmlBegin);
    const PlanFile file = load_plan(context.args.plan_file, context.project);
    // the plan contains the project name that opens the store
    Project& project = context.project;
    const auto store = project.open_store_of(file.project, Store::Mode::read_write);
    context.lock(*store, "apply");
    check_same_spec(file, project);
    PlannedRun prepared = restore_plan(file, project, *store);
    check_allowed(context, prepared.plan);
    if (prepared.plan.empty()) {
        print_environment(context);
        if (!context.args.json) context.print(render_plan(prepared.plan, context.out));
        return nothing_to_do(context, prepared, *store);
    }
    print_environment(context);
    confirm_saved(context, prepared.plan);
    const int code = execute(context, prepared, *store,
                             described(file.options.destroy ? "destroy" : "apply", file.options));
    if (code == 0 && !prepared.plan.later.empty() && !context.args.json)
        context.say(fmt::format("note: the saved plan was the first turn only; {} again, and {} "
                                "more follow\n",
                                project.saved_plans_only() ? "plan" : "apply",
                                prepared.plan.later.size()));
    return code;
}

} // namespace

int run_apply(Context& context) {
    if (!context.args.plan_file.empty()) return apply_saved(context);
    if (context.args.allow_data_loss.empty() && context.args.html.empty())
        if (const auto nothing = unchanged_plan(context)) {
            print_environment(context);
            if (!context.args.json) context.print(render_plan(*nothing, context.out));
            return say_nothing_to_do(context, nothing->outputs), 0;
        }
    const PlanOptions& options = context.args.plan;
    options.destroy ? load_for_removal(context) : context.project.load();
    return plan_and_execute(context, options, options.destroy ? "destroy" : "apply");
}

} // namespace hadeploy::cli
