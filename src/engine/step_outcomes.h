#pragma once

#include "engine/step_queues.h"

#include <optional>
#include <string>
#include <vector>

namespace hadeploy {

/// Ends the steps of a run: results, failures, and the records of both. Functions are called with
/// the mutex held, unless their comment says otherwise.
class StepOutcomes {
  public:
    StepOutcomes(ActiveRun& run, StepQueues& queues) : run_(run), queues_(queues) {}

    /// Ends a step, and lets the steps that waited for it start. If a postcondition is false, the
    /// step fails.
    void finish(StepId id, StepResult result);
    /// Ends a change, with the row that was recorded. No row: the resource was removed.
    void finish_with(StepId id, const std::optional<RecordedResource>& row);
    /// Ends the read of a data source. Its values are only used by references, and are not
    /// recorded.
    void finish_data(StepId id, const Observation& observed);
    /// Fails a step, and skips the steps that wait for it.
    void fail(StepId id, Error error);
    void retry_or_fail(StepId id, Error error);
    /// The first postcondition that is false with the values that are known now.
    std::optional<Error> broken_postcondition(StepId id) const;

    RecordedResource row_of(StepId id, const Value& config, const Value& attributes) const;
    /// The row of an object from the attributes that the provider reported.
    RecordedResource result_row(StepId id, Value attributes) const;
    /// The row of the old object of a replacement that creates the new one first.
    [[nodiscard]] RecordedResource old_generation(StepId id) const;
    /// Records the new object under the resource's address and the old object under the address of
    /// its generation, and removes the intent. This is one transaction, so that a killed run loses
    /// neither object. Does not need the mutex.
    void write_generations(StepId id, const RecordedResource& row);

  private:
    void skip_dependents(StepId id);
    void hide_secrets_of(StepId id, Error& error) const;

    ActiveRun& run_;
    StepQueues& queues_;
};

} // namespace hadeploy
