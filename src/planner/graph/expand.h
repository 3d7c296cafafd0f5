#pragma once

#include "planner/graph/graph.h"

namespace hadeploy {

/// Fills in a graph that has its spec, registry and variables: the instances of every block, made
/// on demand, as a for_each may refer to the instances of another block; then the dependencies,
/// found by evaluating each attribute once and recording what it refers to.
/// @throws Error: unknown names and types, cycles, for_each over values known only after apply
void expand(Graph& graph);

} // namespace hadeploy
