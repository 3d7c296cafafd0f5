#pragma once

#include "engine/observe.h"
#include "planner/plan/prior_state.h"

#include <atomic>

namespace hadeploy {

struct ApplyOptions {
    std::size_t parallelism = 10; ///< jobs at once; a host's batch is one job
    /// Set from outside (first Ctrl-C): start nothing new, finish what runs.
    const std::atomic<bool>* stop = nullptr;
};

struct ApplyResult {
    struct StepResult {
        /// "done", "changed" (in place, where a replacement was planned), "adopted", "read",
        /// "unchanged", "kept", "forgotten", "refreshed", "failed", "skipped"; "" was never begun
        std::string result;
        std::int64_t started_ms = 0; ///< Unix time
        std::int64_t ended_ms = 0;
    };
    std::vector<StepResult> steps; ///< by the plan's steps
    std::vector<Error> errors;
    std::vector<Error> warnings; ///< rules under `checks:` that do not hold
    Value outputs;
    bool interrupted = false;

    [[nodiscard]] bool ok() const { return errors.empty() && !interrupted; }
    [[nodiscard]] std::size_t count(std::string_view result) const;
};

/// Does exactly the steps of the plan. Each effect is journalled: intent, effect, read back, done.
/// What could not be read when the plan was made is read the moment its machine is up, in one batch
/// a machine, and decided then. A failed step leaves its intent for the next run, and what depends
/// on it undone; the rest goes on.
ApplyResult apply(const Plan& plan, const Graph* graph, const PriorState& world, Store& store,
                  Endpoints& endpoints, const ProviderSettings& settings, Events& events,
                  std::int64_t run, const ApplyOptions& options);

/// Records what a plan says of resources without a step: Plan::moves and Plan::records.
void note_records(const Plan& plan, Store& store);

/// Length of the longest chain of steps that had to wait for each other, in milliseconds, with the
/// steps on it: what the run could not have been faster than.
struct CriticalPath {
    std::int64_t milliseconds = 0;
    std::vector<StepId> steps;
};
CriticalPath critical_path(const Plan& plan, const ApplyResult& result);

} // namespace hadeploy
