#pragma once

#include "planner/plan/plan.h"
#include "planner/plan/prior_state.h"

namespace hadeploy {

/// Adds an error for each object that this plan moves (PriorState::moved) to an invalid address:
/// one that the spec does not have, or that has a different type.
void check_moved_types(const Graph& graph, const PriorState& prior, Diagnostics& diagnostics);

} // namespace hadeploy
