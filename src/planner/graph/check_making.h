#pragma once

#include "planner/graph/graph.h"

namespace hadeploy {

/// Adds what ResourceType::check_making() finds in the config of a new object, unless a resource
/// that comes before it may still make the local files that the config names.
void check_making(const Node& node, const Value& config, Problems& problems);

} // namespace hadeploy
