#pragma once

#include "engine/observe.h"
#include "planner/plan/prior_state.h"

#include <atomic>
#include <chrono>

namespace hadeploy {

/// The pauses before a transient failure is tried again: each is twice as long as the one before,
/// less a random part of up to a half, so that changes that failed together are not repeated
/// together.
struct Retries {
    int most = 4; ///< after the first attempt
    std::chrono::milliseconds first{500}, longest{20'000};
    std::chrono::milliseconds within{120'000}; ///< since the first failure
};

struct ApplyOptions {
    std::size_t parallelism = 10; ///< jobs at once; a host's batch is one job
    /// Set by the caller on the first Ctrl-C: start no further jobs, finish running ones.
    const std::atomic<bool>* stop = nullptr;
    Retries retries = {};
};

struct ApplyResult {
    struct StepRun {
        StepResult result = StepResult::not_begun;
        std::int64_t started_ms = 0; ///< Unix time
        std::int64_t ended_ms = 0;
    };
    std::vector<StepRun> steps; ///< in the order of the plan's steps
    std::vector<Error> errors;
    std::vector<Error> warnings; ///< rules under `checks:` that do not hold
    Value outputs;
    bool interrupted = false;

    [[nodiscard]] bool ok() const { return errors.empty() && !interrupted; }
    [[nodiscard]] std::size_t count(StepResult result) const;
};

/// Executes exactly the steps of the plan. Each change is journalled: intent, change, read back,
/// done. A resource that was not readable when the plan was made is read and decided when its
/// machine is up, in one batch per machine. A failed step leaves its intent for the next run; its
/// dependents are skipped, and other steps continue.
ApplyResult apply(const Plan& plan, const Graph* graph, const PriorState& prior, Store& store,
                  Endpoints& endpoints, const ProviderSettings& settings, Events& events,
                  std::int64_t run, const ApplyOptions& options);

/// Records Plan::moves and Plan::records, which have no steps.
void note_records(const Plan& plan, Store& store);

/// The longest chain of steps that waited for each other, with its duration: a lower bound of the
/// run's duration.
struct CriticalPath {
    std::int64_t milliseconds = 0;
    std::vector<StepId> steps;
};
CriticalPath critical_path(const Plan& plan, const ApplyResult& result);

} // namespace hadeploy
