#include "cli/render/history.h"
#include "cli/commands.h"
#include "cli/commands/recorded_state.h"

#include <algorithm>
#include <fmt/format.h>

namespace hadeploy::cli {

int run_history(Context& context) {
    const std::vector<Run> runs = recorded_runs(context.project);
    if (context.args.json)
        for (const Run& run : runs) context.print(run_json(run).dump() + "\n");
    else
        context.print(render_history(runs, context.out));
    return 0;
}

int run_history_show(Context& context) {
    const auto store = context.project.open_store_of("", Store::Mode::read_only);
    const std::vector<Run> runs = store->runs();
    const std::int64_t number = *context.args.run;
    const auto run =
        std::find_if(runs.begin(), runs.end(), [&](const Run& r) { return r.id == number; });
    if (run == runs.end()) throw no_such_run(number, runs);
    const std::vector<StepRecord> steps = store->steps(number);
    if (context.args.json)
        context.print(run_json(*run, steps).dump() + "\n");
    else
        context.print(render_run(*run, steps, context.out));
    return 0;
}

} // namespace hadeploy::cli
