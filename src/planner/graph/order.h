#pragma once

#include "planner/graph/graph.h"

namespace hadeploy {

/// The nodes of a graph, dependencies first; of those that are free at once the lower id first.
/// @throws Error with the whole path of a cycle
std::vector<NodeId> topological_order(const std::vector<Node>& nodes);

/// Sets Node::create_first: what a resource that is created before the old one is removed depends
/// on has to be created first too, or the old one would lose it while it is still in use.
/// @param order  dependencies first
void spread_create_first(std::vector<Node>& nodes, const std::vector<NodeId>& order);

} // namespace hadeploy
