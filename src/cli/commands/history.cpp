#include "cli/render/history.h"
#include "cli/commands.h"
#include "cli/record.h"

#include <algorithm>
#include <fmt/format.h>

namespace hadeploy::cli {

namespace {
/// The runs, independent of the present spec, which can be what the rollback undoes.
std::vector<Run> recorded_runs(const Project& project) {
    return project.open_store_of("", Store::Mode::read_only)->runs();
}

Run find_run(const Project& project, std::int64_t number) {
    const std::vector<Run> runs = recorded_runs(project);
    const auto run =
        std::find_if(runs.begin(), runs.end(), [&](const Run& r) { return r.id == number; });
    if (run == runs.end())
        throw Error(ErrorKind::usage, fmt::format("there is no run {}", number))
            .with_hint(runs.empty() ? "nothing has been applied yet"
                                    : "`hadeploy history` lists them");
    if (run->result != RunResult::done)
        throw Error(ErrorKind::usage,
                    fmt::format("run {} did not succeed ({}): it was applied only in part", number,
                                result_text(run->result)))
            .with_hint("choose a run with the result \"done\"; `hadeploy history` lists them");
    return *run;
}
} // namespace

int run_history(Context& context) {
    const std::vector<Run> runs = recorded_runs(context.project);
    if (context.args.json)
        for (const Run& run : runs) context.print(run_json(run).dump() + "\n");
    else
        context.print(render_history(runs, context.out));
    return 0;
}

int run_rollback(Context& context) {
    const Run run = find_run(context.project, context.args.run);
    const bool destroy = load_record(run.spec, context.project);
    context.project.move_back(moves_back(recorded_runs(context.project), run.id));
    return plan_and_execute(context, {.destroy = destroy}, fmt::format("rollback {}", run.id));
}

} // namespace hadeploy::cli
