#pragma once

#include "planner/plan/plan.h"

#include <optional>
#include <string>
#include <vector>

namespace hadeploy {

/// An output whose value will differ from the recorded one.
struct OutputChange {
    std::string name;
    std::optional<Value> before; ///< none: the output is new
    std::optional<Value> after;  ///< none: the output is removed; may be unknown until apply
};

/// The outputs that a plan creates or changes, by name, followed by those that it removes.
std::vector<OutputChange> output_changes(const Plan& plan);

/// The outputs to record after a plan: `now`, but outputs that a partial plan does not know keep
/// their values from `before`.
Value outputs_after(const Plan& plan, const Value& now, const Value& before);

} // namespace hadeploy
