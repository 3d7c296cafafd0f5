#include "cli/commands.h"
#include "cli/commands/recorded_state.h"
#include "cli/plan_file.h"
#include "cli/render/plan_text.h"
#include "cli/render/report.h"
#include "cli/show_plan.h"

namespace hadeploy::cli {

int run_show(Context& context) {
    if (!context.args.plan_file.empty()) {
        const PlanFile plan = load_plan(context.args.plan_file, context.project.key_source());
        const auto store = context.project.open_store_of(plan.project, Store::Mode::read_only);
        const PlannedRun prepared = restore_plan(plan, context.project, *store);
        print_plan(context, prepared.plan);
        return 0;
    }
    const auto store = recorded_state(context);
    for (const RecordedResource& row : store->rows())
        context.print(context.args.json ? row_json(row).dump() + "\n" : row_text(row));
    if (!context.args.json) context.print(render_outputs(store->outputs(), context.out));
    return 0;
}

} // namespace hadeploy::cli
