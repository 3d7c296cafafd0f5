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
/// @param look_alikes  the removed address, by the created one
void add_look_alike_notices(Plan& plan, const std::map<std::string, std::string>& look_alikes);

/// Adds a notice for each `removed:` entry that matches nothing in the state: because of a misspelt
/// entry, the intended resource would be destroyed.
void add_unmatched_removed_notices(Plan& plan, const PriorState& prior, const Spec& spec);

} // namespace hadeploy
