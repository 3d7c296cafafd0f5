#pragma once

#include "planner/graph/graph.h"

#include <set>

namespace hadeploy {

/// Applies the resource's lifecycle to a config: ignored attributes keep their observed or else
/// their recorded values, and a protected object stays protected until the spec changes that.
Value with_lifecycle(const Node& node, Value config, const RecordedResource* recorded,
                     const Observation* observed);

/// The config of an object that is created. Attributes derived from ignored ones are derived again,
/// regardless of the old object.
Value with_lifecycle_of_new(const Node& node, Value config);

/// The error for the destruction of a protected object. `why` says what would destroy it: "would be
/// replaced".
Error protected_error(const std::string& address, std::string_view why, Loc loc);

} // namespace hadeploy
