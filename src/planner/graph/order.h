#pragma once

#include "planner/graph/graph.h"

namespace hadeploy {

/// The nodes of a graph, dependencies first; among nodes that are ready at the same time, the lower
/// id first.
/// @throws Error with the whole path of a cycle
std::vector<NodeId> topological_order(const std::vector<Node>& nodes);

/// Sets Node::create_first. The dependencies of a resource that is created before the old one is
/// removed must be created first too: otherwise the old object would lose them while it is still in
/// use.
/// @param order  dependencies first
void spread_create_first(std::vector<Node>& nodes, const std::vector<NodeId>& order);

} // namespace hadeploy
