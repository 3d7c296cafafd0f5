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
    const Run& run = run_of(runs, number);
    if (run.result != RunResult::done)
        throw Error(ErrorKind::usage,
                    fmt::format("run {} did not succeed ({}): it was applied only in part", number,
                                result_text(run.result)))
            .with_hint("choose a run with the result \"done\"; `hadeploy history` lists them");
    return run;
}

/// Whether the runs had the same inputs. The other parts of their records, such as moves, may
/// differ.
bool same_inputs(const Run& a, const Run& b) {
    for (const char* key : {"files", "variables", "secrets", "destroy"})
        if (a.spec[key] != b.spec[key]) return false;
    return true;
}

/// The last successful run whose inputs differ from those of the latest run, which may have failed.
/// A removal of everything does not count as a version.
Run previous_run(const Project& project) {
    const std::vector<Run> runs = recorded_runs(project);
    for (auto run = runs.rbegin(); run != runs.rend(); ++run)
        if (run->result == RunResult::done && run->spec.is_map() && !run->spec.flag("destroy") &&
            !run->spec.flag("partial") && !same_inputs(*run, runs.back()))
            return *run;
    throw Error(ErrorKind::usage,
                "no earlier successful run had a different spec or different variables")
        .with_hint(runs.empty() ? "nothing has been applied yet"
                                : "`hadeploy history` lists the runs: hadeploy rollback N");
}

} // namespace

int run_rollback(Context& context) {
    const std::optional<std::int64_t> chosen = context.args.run;
    const Run run = chosen ? find_run(context.project, *chosen) : previous_run(context.project);
    if (!chosen && !context.args.json)
        context.say(fmt::format("going back to run {}: {}\n", run.id, run.command));
    const bool destroy = load_record(run.spec, context.project);
    context.project.move_back(moves_back(recorded_runs(context.project), run.id));
    return plan_and_execute(context, {.destroy = destroy}, fmt::format("rollback {}", run.id));
}

} // namespace hadeploy::cli
