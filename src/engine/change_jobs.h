#pragma once

#include "engine/slot.h"
#include "engine/step_decisions.h"
#include "engine/step_intents.h"

#include <optional>
#include <vector>

namespace hadeploy {

/// Runs jobs that apply changes: intents, changes, results.
class ChangeJobs {
  public:
    using Job = StepQueues::Job;

    ChangeJobs(ActiveRun& run, StepQueues& queues, StepOutcomes& outcomes, StepDecisions& decisions,
               StepIntents& intents)
        : run_(run), queues_(queues), outcomes_(outcomes), decisions_(decisions),
          intents_(intents) {}

    /// Runs a job. Must be called without holding the mutex.
    void run(const Job& job);
    /// Polls changes that the backend completes. Must be called without holding the mutex.
    void poll(const Job& job);

  private:
    /// A change that exists only in the state and is not written yet. No row: the resource was
    /// removed.
    struct Made {
        StepId step;
        std::optional<RecordedResource> row;
    };

    void change(const Job& job, OpenEndpoint& endpoint, Slot& slot);
    void change_in_state(Job job, OpenEndpoint& endpoint);
    void release_dependents(const Made& made);
    void write_made(const std::vector<Made>& made);
    std::vector<Change> changes_of(const Job& job);
    Change change_of(StepId id) const;
    void await_slot(const Job& job);
    void announce(const Job& job);

    ActiveRun& run_;
    StepQueues& queues_;
    StepOutcomes& outcomes_;
    StepDecisions& decisions_;
    StepIntents& intents_;
};

} // namespace hadeploy
