#pragma once

#include "planner/graph/names.h"

namespace hadeploy {

/// The type of a block.
/// @throws Error(spec) if the type is unknown
const ResourceType& type_of(const ResourceBlock& block, const Registry& registry);

/// Checks the names of providers, and the inputs that are passed to modules.
void check_calls(const Graph& graph, Diagnostics& diagnostics);

/// Checks each module independently of its inputs, including branches that are never taken and
/// modules without instances.
void check_modules(GraphContext& context, Diagnostics& diagnostics);

} // namespace hadeploy
