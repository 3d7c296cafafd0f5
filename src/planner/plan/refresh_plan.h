#pragma once

#include "planner/plan/plan.h"
#include "planner/plan/prior_state.h"

namespace hadeploy {

/// The plan that only updates the state to what was observed: missing objects are removed from it,
/// changes are recorded. A tracked attribute keeps the value that was applied, because the next
/// plan compares with it.
/// @throws Error: failed reads, targets that match nothing
Plan make_refresh_plan(const Graph& graph, const PriorState& prior, const PlanOptions& options);

} // namespace hadeploy
