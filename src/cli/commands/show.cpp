#include "cli/commands.h"
#include "cli/commands/recorded_state.h"
#include "cli/plan_file.h"
#include "cli/render/errors.h"
#include "cli/render/plan_json.h"
#include "cli/render/plan_markdown.h"
#include "cli/render/plan_text.h"
#include "cli/render/report.h"
#include "cli/report_file.h"
#include "cli/show_plan.h"
#include "cli/version.h"
#include "core/hash.h"
#include "core/value_json.h"

namespace hadeploy::cli {

namespace {

constexpr std::int64_t kMillisecond = 1'000;

/// The entry `saved` of the JSON: where the plan is from.
nlohmann::json saved_json(const PlanFile& plan) {
    return {{"project", plan.project},
            {"version", kVersion},
            {"created", timestamp(plan.plan_time * kMillisecond)},
            {"lineage", plan.lineage},
            {"serial", plan.serial},
            {"origin", nlohmann::json::parse(to_public_json(plan.origin))}};
}

std::string markdown_of(const Context& context, const PlanFile& file, const Plan& plan) {
    const Project& project = context.project;
    const MarkdownPlan saved{.plan = plan,
                             .project = file.project,
                             .origin = file.origin,
                             .made_ms = file.plan_time * kMillisecond,
                             .sha256 = sha256_file(context.args.plan_file),
                             .warnings = render_warnings(plan.warnings, project.sources(), {})};
    return plan_markdown(
        saved, {context.args.summary, context.args.unfold},
        [&](std::string_view text) { return project.hidden(text); }, context.args.limit);
}

int show_saved(Context& context) {
    check_report_file(context.args.html, kHtmlBegin);
    const PlanFile file = load_plan(context.args.plan_file, context.project);
    const auto store = context.project.open_store_of(file.project, Store::Mode::read_only);
    const PlannedRun prepared = restore_plan(file, context.project, *store);
    write_plan_page(context, prepared.plan, file.project);
    if (context.args.markdown) {
        context.print(markdown_of(context, file, prepared.plan));
    } else if (context.args.json) {
        nlohmann::json out = json_of_plan(context, prepared.plan);
        out["saved"] = saved_json(file);
        context.print(out.dump() + "\n");
    } else {
        print_plan(context, prepared.plan);
    }
    return 0;
}

} // namespace

int run_show(Context& context) {
    if (!context.args.plan_file.empty()) return show_saved(context);
    const auto store = recorded_state(context);
    for (const RecordedResource& row : store->rows())
        context.print(context.args.json ? row_json(row).dump() + "\n" : row_text(row));
    if (!context.args.json) context.print(render_outputs(store->outputs(), context.out));
    return 0;
}

} // namespace hadeploy::cli
