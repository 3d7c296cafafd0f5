#pragma once

#include "planner/graph/graph.h"

#include <set>

namespace hadeploy {

/// A config as the resource's lifecycle lets it be: what is not to be changed is as observed, or
/// else as recorded; protected stays protected until the spec says otherwise.
Value with_lifecycle(const Node& node, Value config, const RecordedResource* recorded,
                     const Observation* observed);

/// The config for an object that is made: what follows from ignored attributes follows from them
/// again, whatever the old object had.
Value with_lifecycle_of_new(const Node& node, Value config);

/// The refusal to destroy what is protected. `why` it would be: "would be replaced".
Error protected_error(const std::string& address, std::string_view why, Loc loc);

} // namespace hadeploy
