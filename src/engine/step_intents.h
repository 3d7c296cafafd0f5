#pragma once

#include "engine/step_outcomes.h"

#include <vector>

namespace hadeploy {

/// The intents of a run's changes in the journal. All functions are called without holding the
/// mutex.
class StepIntents {
  public:
    using Job = StepQueues::Job;

    StepIntents(ActiveRun& run, StepQueues& queues, StepOutcomes& outcomes)
        : run_(run), queues_(queues), outcomes_(outcomes) {}

    Intent intent_of(StepId id, const Change& change) const;
    /// Writes the intents of a job. The job must not start without them. A retried change already
    /// has an intent.
    bool begin(const Job& job, std::vector<Intent>& intents);
    /// Removes the intents of a job that a stop prevented from starting. Keeps the intents of
    /// changes that this or an earlier run has started, because they are the only record of those
    /// changes.
    void withdraw(const Job& job, std::vector<Intent> intents);
    /// After a stop, removes the intents of changes that were not started in their batch.
    void withdraw_rest();

  private:
    ActiveRun& run_;
    StepQueues& queues_;
    StepOutcomes& outcomes_;
};

} // namespace hadeploy
