#pragma once

#include "planner/plan/plan.h"
#include "planner/plan/prior_state.h"

#include <map>
#include <string>

namespace hadeploy {

/// Adds an error for each `moved:` entry whose old address is still in the spec.
void refuse_moved_but_there(const Graph& graph, Diagnostics& diagnostics);

/// Adds an error for each `removed:` entry whose address is still in the spec.
void refuse_removed_but_there(const Graph& graph, Diagnostics& diagnostics);

/// Adds a notice for each pair of a removed and a created resource that may be the same object.
/// @param look_alikes  addresses of removed resources, by the addresses of the created ones
void add_look_alike_notices(Plan& plan, const std::map<std::string, std::string>& look_alikes);

/// Adds a notice for each `removed:` entry that matches nothing in the state. If the entry is
/// misspelt, the resource that was meant would be destroyed.
void add_unmatched_removed_notices(Plan& plan, const PriorState& prior, const Spec& spec);

} // namespace hadeploy
