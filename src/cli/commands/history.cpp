#include "cli/render/history.h"
#include "cli/commands.h"
#include "cli/commands/recorded_state.h"

namespace hadeploy::cli {

int run_history(Context& context) {
    const std::vector<Run> runs = recorded_runs(context.project);
    if (context.args.json)
        for (const Run& run : runs)
            context.print(
                run_json(run).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) +
                "\n");
    else
        context.print(render_history(runs, context.out));
    return 0;
}

int run_history_show(Context& context) {
    const auto store = context.project.open_store_of("", Store::Mode::read_only);
    const std::vector<Run> runs = store->runs();
    const std::int64_t number = *context.args.run;
    const Run& run = run_of(runs, number);
    const std::vector<StepRecord> steps = store->steps(number);
    if (context.args.json)
        context.print(
            run_json(run, steps).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) +
            "\n");
    else
        context.print(render_run(run, steps, context.out));
    return 0;
}

} // namespace hadeploy::cli
