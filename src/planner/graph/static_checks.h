#pragma once

#include "planner/graph/names.h"

namespace hadeploy {

/// The type of a block.
/// @throws Error(spec) when there is none of that name
const ResourceType& type_of(const ResourceBlock& block, const Registry& registry);

/// Checks the names of providers, and what modules are given.
void check_calls(const Graph& graph, Diagnostics& diagnostics);

/// Checks what can be said of each module whatever it is given: also of branches that may never be
/// taken, and of modules without instances.
void check_modules(const Graph& graph, const Resources& resources, Diagnostics& diagnostics);

} // namespace hadeploy
