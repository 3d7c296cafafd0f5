#include "cli/commands.h"
#include "cli/commands/recorded_state.h"
#include "cli/execute.h"
#include "cli/record.h"
#include "cli/render/history.h"

#include <algorithm>
#include <fmt/format.h>

namespace hadeploy::cli {

namespace {

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

int run_rollback(Context& context) {
    const Run run = find_run(context.project, context.args.run);
    const bool destroy = load_record(run.spec, context.project);
    context.project.move_back(moves_back(recorded_runs(context.project), run.id));
    return plan_and_execute(context, {.destroy = destroy}, fmt::format("rollback {}", run.id));
}

} // namespace hadeploy::cli
