#pragma once

#include "engine/change_jobs.h"

namespace hadeploy {

/// Runs a plan. One mutex guards all shared data; jobs (a read, a batch of changes) run without it.
///
/// Slots limit the number of concurrent operations on endpoints. There are twice as many threads as
/// slots, so that intents and results are written while all slots are in use. A slow disk therefore
/// delays only steps that wait for such a result.
class Executor {
  public:
    Executor(const Plan& plan, const Graph* graph, const PriorState& prior, Store& store,
             Endpoints& endpoints, const ProviderSettings& settings, Events& events,
             std::int64_t run, const ApplyOptions& options)
        : run_(plan, graph, prior, store, endpoints, settings, events, run, options) {}
    ApplyResult run();
    /// The spec's outputs, from the values after the run.
    Value outputs(Diagnostics& diagnostics) const;
    /// The rules under `checks:` that are false with the values after the run.
    std::vector<Error> broken_checks() const;
    /// Checks, after the run, the rules of resources without a step, of module inputs and of
    /// outputs.
    void check_inputs(std::vector<Error>& errors) const;

  private:
    void work();
    void run_job(const StepQueues::Job& job);
    void run_read(const StepQueues::Job& job);
    void enter_reads(const StepQueues::Job& job, Phase phase);
    void check_unchanged(Diagnostics& diagnostics) const;

    ActiveRun run_;
    StepQueues queues_{run_};
    StepOutcomes outcomes_{run_, queues_};
    StepDecisions decisions_{run_, queues_, outcomes_};
    StepIntents intents_{run_, queues_, outcomes_};
    ChangeJobs changes_{run_, queues_, outcomes_, decisions_, intents_};
    std::size_t running_ = 0; ///< number of running jobs
};

} // namespace hadeploy
