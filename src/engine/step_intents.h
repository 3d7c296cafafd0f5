#pragma once

#include "engine/step_outcomes.h"

#include <vector>

namespace hadeploy {

/// The intents of a run's changes in the journal. Nothing is called with the lock held.
class StepIntents {
  public:
    using Job = StepQueues::Job;

    StepIntents(ActiveRun& run, StepQueues& queues, StepOutcomes& outcomes)
        : run_(run), queues_(queues), outcomes_(outcomes) {}

    Intent intent_of(StepId id, const Change& change) const;
    /// Writes the intents of a job; without them it must not start. A retried change already has
    /// one.
    bool begin(const Job& job, std::vector<Intent>& intents);
    /// Removes the intents of a job that a stop prevented from starting. Keeps those of changes
    /// that were started before by this or an earlier run, as they are the only record of them.
    void withdraw(const Job& job, std::vector<Intent> intents);
    /// After a stop, removes the intents of changes that were not started in their batch.
    void withdraw_rest();

  private:
    ActiveRun& run_;
    StepQueues& queues_;
    StepOutcomes& outcomes_;
};

} // namespace hadeploy
