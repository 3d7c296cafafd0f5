#pragma once

#include "engine/observe.h"
#include "planner/plan/prior_state.h"

#include <atomic>
#include <chrono>
#include <string_view>
#include <vector>

namespace hadeploy {

/// The pauses before a change that failed with a transient error is retried. Each pause is twice as
/// long as the previous one, minus a random part of up to a half, so that changes that failed
/// together are not retried together.
struct Retries {
    int most = 4; ///< retries after the first attempt
    std::chrono::milliseconds first{500}, longest{20'000};
    std::chrono::milliseconds within{120'000}; ///< time limit since the first failure
};

struct ApplyOptions {
    std::size_t parallelism = 10; ///< concurrent jobs; the batch of a host is one job
    /// Set by the caller on the first Ctrl-C: start no further jobs, finish running ones.
    const std::atomic<bool>* stop = nullptr;
    Retries retries = {};
};

/// The activity of a step between the end of its dependencies and its own end.
enum class Phase {
    queued,   ///< waits for other steps at the same endpoint
    limited,  ///< waits for one of the concurrent jobs (ApplyOptions::parallelism)
    reading,  ///< its object is being read
    changing, ///< the provider works on it
    polled,   ///< the backend completes the change by itself
    pausing   ///< waits before it is retried
};
std::string_view phase_name(Phase phase);

struct ApplyResult {
    /// A phase lasts until the next one, and the last one until the end of the step.
    struct PhaseStart {
        Phase phase;
        std::int64_t at_ms; ///< Unix time
    };
    struct StepRun {
        StepResult result = StepResult::not_begun;
        std::int64_t started_ms = 0; ///< Unix time
        std::int64_t ended_ms = 0;
        std::vector<PhaseStart> phases = {};
    };
    std::vector<StepRun> steps; ///< results in the order of the plan's steps
    std::vector<Error> errors;
    std::vector<Error> warnings; ///< rules under `checks:` that are false
    Value outputs;
    bool interrupted = false;

    [[nodiscard]] bool ok() const { return errors.empty() && !interrupted; }
    [[nodiscard]] std::size_t count(StepResult result) const;
};

/// Executes exactly the steps of the plan. Each change is journalled: the intent is written, the
/// change is made, the object is read back, and the result is recorded. A resource that could not
/// be read for the plan is read and decided when its machine is up, in one batch per machine. A
/// failed step leaves its intent for the next run; its dependents are skipped, and other steps
/// continue.
ApplyResult apply(const Plan& plan, const Graph* graph, const PriorState& prior, Store& store,
                  Endpoints& endpoints, const ProviderSettings& settings, Events& events,
                  std::int64_t run, const ApplyOptions& options);

/// Records Plan::moves and Plan::records, which have no steps.
void note_records(const Plan& plan, Store& store);

/// The critical path: the longest chain of steps that waited for each other. Its duration is a
/// lower bound of the run's duration.
struct CriticalPath {
    std::int64_t milliseconds = 0;
    std::vector<StepId> steps;
};
CriticalPath critical_path(const Plan& plan, const ApplyResult& result);

} // namespace hadeploy
