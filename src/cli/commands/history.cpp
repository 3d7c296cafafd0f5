#include "cli/render/history.h"
#include "cli/commands.h"
#include "cli/commands/recorded_state.h"

namespace hadeploy::cli {

int run_history(Context& context) {
    const std::vector<Run> runs = recorded_runs(context.project);
    if (context.args.json)
        for (const Run& run : runs) context.print(run_json(run).dump() + "\n");
    else
        context.print(render_history(runs, context.out));
    return 0;
}

} // namespace hadeploy::cli
