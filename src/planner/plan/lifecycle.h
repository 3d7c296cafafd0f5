#pragma once

#include "planner/graph/graph.h"

#include <set>

namespace hadeploy {

/// Applies the resource's lifecycle to a config: ignored attributes keep their observed values
/// (their recorded values if they were not observed), and a protected object stays protected until
/// the spec removes the protection.
Value with_lifecycle(const Node& node, Value config, const RecordedResource* recorded,
                     const Observation* observed);

/// The config of an object that is created. Attributes that are derived from ignored ones are
/// derived again, regardless of the old object.
Value with_lifecycle_of_new(const Node& node, Value config);

/// The error for the destruction of a protected object. `why` describes the change that would
/// destroy the object: "would be replaced".
Error protected_error(const std::string& address, std::string_view why, Loc loc);

} // namespace hadeploy
