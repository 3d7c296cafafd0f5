#include "cli/commands.h"
#include "cli/plan_file.h"
#include "cli/record.h"
#include "cli/render/text.h"
#include "cli/report_file.h"
#include "cli/shortcut.h"
#include "cli/show_plan.h"
#include "cli/stop_on_signal.h"

#include <fmt/format.h>

namespace hadeploy::cli {

int run_plan(Context& context) {
    check_report_file(context.args.html, kHtmlBegin);
    if (context.args.out.empty() && context.args.html.empty())
        if (const auto nothing = unchanged_plan(context)) return print_plan(context, *nothing), 0;
    context.args.plan.destroy ? load_for_removal(context) : context.project.load();
    tell_short_secrets(context);
    tell_unread_environments(context);
    // a plan to be applied later needs a state; reading one needs fewer rights
    const bool reads = context.args.out.empty() || context.project.has_state();
    const auto mode = reads ? Store::Mode::read_only : Store::Mode::read_write;
    const auto store = context.project.open_store(mode);
    tell_new_state(context, *store, mode);
    const auto progress = context.progress(0);
    const PlannedRun prepared =
        read_and_plan_or_stop(context.project, *store, context.args.plan, *progress);
    progress->finish();
    note_unchanged(context.project, context.args.plan, *store, prepared);
    print_plan(context, prepared.plan);
    write_plan_page(context, prepared.plan, store->project());
    if (!context.args.out.empty()) {
        save_plan(context.args.out, context.project, context.args.plan, prepared);
        context.say(fmt::format("Plan saved. To apply exactly this plan: hadeploy apply {}\n",
                                context.args.out.string()));
        if (!prepared.plan.later.empty())
            context.say(fmt::format(
                "It contains only the first turn: the next apply plans the {} that follow.\n",
                counted(prepared.plan.later.size(), "turn")));
    }
    return context.args.detailed_exitcode && !prepared.plan.empty() ? 2 : 0;
}

} // namespace hadeploy::cli
