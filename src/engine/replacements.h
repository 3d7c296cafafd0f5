#pragma once

#include "engine/step_outcomes.h"

#include <optional>
#include <vector>

namespace hadeploy {

/// Decides on replacements that are only necessary if the resource differs once all values are
/// known. All functions are called with the mutex held.
class Replacements {
  public:
    Replacements(ActiveRun& run, StepOutcomes& outcomes) : run_(run), outcomes_(outcomes) {}

    /// Whether the removal in the first half of a replacement is needed; nullopt while this depends
    /// on a dependency that is kept and has not been changed in place yet.
    std::optional<bool> removal_needed(StepId half);
    /// Makes the first half wait until kept dependencies have been changed in place, because only
    /// then it is known whether the resource differs.
    /// @return false when there is nothing to wait for
    bool wait_for_base(StepId half);
    /// Whether a replacement is needed, now that all values are known.
    bool is_needed(StepId id);
    /// Whether a step would remove an old generation whose replacement turned out to be
    /// unnecessary, so that the generation is kept.
    [[nodiscard]] bool is_kept_generation(StepId id) const;
    /// Rejects a conditional replacement (planned in case the resource differs) if the resource is
    /// protected.
    void reject_protected(StepId id) const;

  private:
    std::vector<StepId> halves_of_dependencies(StepId half) const;
    bool waits_for(StepId id, StepId other) const;
    std::optional<bool> differs_now(StepId id);

    ActiveRun& run_;
    StepOutcomes& outcomes_;
};

} // namespace hadeploy
