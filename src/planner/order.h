#pragma once

#include "planner/graph.h"

namespace hadeploy {

/// The nodes of a graph, dependencies first; of those that are free at once the lower id first.
/// @throws Errors with the whole path of a cycle
std::vector<NodeId> topological_order(const std::vector<Node>& nodes);

} // namespace hadeploy
