#pragma once

#include "engine/step_queues.h"

#include <optional>
#include <string>
#include <vector>

namespace hadeploy {

/// How the steps of a run end: results, failures, and the records of both. Everything is called
/// with the lock held, unless it says otherwise.
class StepOutcomes {
  public:
    StepOutcomes(ActiveRun& run, StepQueues& queues) : run_(run), queues_(queues) {}

    /// Ends a step, and lets the steps that waited for it start. A violated postcondition fails it.
    void finish(StepId id, StepResult result);
    /// The same for a change, with the row that was recorded; no row: removed.
    void finish_with(StepId id, const std::optional<RecordedResource>& row);
    /// The same for a data source. Its values are only used by references, and not recorded.
    void finish_data(StepId id, const Observation& observed);
    /// Fails a step, and skips those that wait for it.
    void fail(StepId id, Error error);
    void retry_or_fail(StepId id, Error error);
    /// The first postcondition that does not hold with the values now known.
    std::optional<Error> broken_postcondition(StepId id) const;

    RecordedResource row_of(StepId id, const Value& config, const Value& attributes) const;
    /// The row of an object from the attributes that the provider reported.
    RecordedResource result_row(StepId id, Value attributes) const;
    /// The row of the old object of a replacement that creates the new one first.
    [[nodiscard]] RecordedResource old_generation(StepId id) const;
    /// Records the new object at the resource's address and the old one at its generation's, and
    /// removes the intent, in one transaction, so that a killed run loses neither of them. Needs no
    /// lock.
    void write_generations(StepId id, const RecordedResource& row);

  private:
    void skip_dependents(StepId id);
    void hide_secrets_of(StepId id, Error& error) const;

    ActiveRun& run_;
    StepQueues& queues_;
};

} // namespace hadeploy
