#pragma once

#include "engine/replacements.h"

#include <map>
#include <optional>
#include <string>
#include <vector>

namespace hadeploy {

/// Decides whether a ready step needs nothing, a read or a change. All functions are called with
/// the mutex held.
class StepDecisions {
  public:
    StepDecisions(ActiveRun& run, StepQueues& queues, StepOutcomes& outcomes)
        : run_(run), queues_(queues), outcomes_(outcomes), replacements_(run, outcomes) {}

    /// Settles all ready steps, or queues them at their endpoints.
    void settle_ready();

  private:
    /// A step that changes no real object, and its row to record. No row: the resource is removed.
    struct Settled {
        StepId step;
        StepResult result;
        std::optional<RecordedResource> row;
    };

    void write_settled();
    void consider(StepId id);
    bool prepare(StepId id);
    void decide_step(StepId id);
    void decide_removal(StepId id);
    void reject_owned_name(StepId id);
    void reject_name_of_this_run(StepId id);
    void reject_lost_contents(StepId id) const;

    ActiveRun& run_;
    StepQueues& queues_;
    StepOutcomes& outcomes_;
    Replacements replacements_;
    std::optional<std::map<std::string, StepId>> claimed_; ///< filled on first use
    std::vector<Settled> settled_; ///< steps that are written together, and are done afterwards
};

} // namespace hadeploy
