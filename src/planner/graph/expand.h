#pragma once

#include "planner/graph/graph.h"

namespace hadeploy {

/// Expands a graph that has its spec, registry and variables. First creates the instances of each
/// block, on demand, because a for_each can refer to the instances of another block. Then finds the
/// dependencies by evaluating each attribute once and recording its references.
/// @throws Error: unknown names and types, cycles, for_each over values known only after apply
void expand(Graph& graph);

} // namespace hadeploy
