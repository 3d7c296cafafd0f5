#include "planner/plan/why.h"

#include "cli/commands.h"
#include "cli/render/why_text.h"
#include "cli/stop_on_signal.h"

namespace hadeploy::cli {

int run_why(Context& context) {
    context.project.load();
    const Project& project = context.project;
    const auto store = project.open_store(Store::Mode::read_only);
    const auto progress = context.progress(0);
    const PlannedRun prepared =
        read_and_plan_or_stop(project, *store, context.args.plan, *progress);
    progress->finish();
    const std::vector<Why> chain =
        explain(context.args.name, prepared.plan, project.graph(), prepared.prior);
    if (context.args.json)
        for (const Why& why : chain)
            context.print(why_json(why, prepared.plan, project.sources()).dump() + "\n");
    else
        context.print(render_why(chain, prepared.plan, project.sources(), context.out));
    return 0;
}

} // namespace hadeploy::cli
