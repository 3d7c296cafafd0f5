#pragma once

#include "planner/plan/plan.h"
#include "planner/plan/prior_state.h"

namespace hadeploy {

/// Adds an error for what was moved in this plan (PriorState::moved) to where it can't be: to a
/// name that the spec does not have, or that is a resource of another type.
void check_moved_types(const Graph& graph, const PriorState& world, Diagnostics& diagnostics);

} // namespace hadeploy
