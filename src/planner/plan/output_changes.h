#pragma once

#include "planner/plan/plan.h"

#include <optional>
#include <string>
#include <vector>

namespace hadeploy {

/// An output that will not be as it is recorded.
struct OutputChange {
    std::string name;
    std::optional<Value> before; ///< none: it is new
    std::optional<Value> after;  ///< none: it is removed; may be unknown until apply
};

/// The outputs that a plan makes or changes, by name, followed by those that it removes.
std::vector<OutputChange> output_changes(const Plan& plan);

/// The outputs to be recorded once a plan is through: `now`, but that of a partial plan those that
/// are not known stay as they were.
Value outputs_after(const Plan& plan, const Value& now, const Value& before);

} // namespace hadeploy
