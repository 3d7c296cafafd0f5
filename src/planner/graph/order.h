#pragma once

#include "planner/graph/graph.h"

namespace hadeploy {

/// The nodes of a graph, dependencies first. Nodes that are ready at the same time are sorted by
/// ID.
/// @throws Error with the whole path of a cycle, if there is one
std::vector<NodeId> topological_order(const std::vector<Node>& nodes);

/// Sets Node::create_first. If the new object of a resource is created before the old one is
/// removed, this must also be the order for the dependencies of the resource. Otherwise the old
/// object would lose its dependencies while it is still in use.
/// @param order  dependencies first
void spread_create_first(std::vector<Node>& nodes, const std::vector<NodeId>& order);

} // namespace hadeploy
