#pragma once

#include "planner/plan/plan.h"
#include "planner/plan/prior_state.h"

namespace hadeploy {

/// The plan that only updates the state to match the observed objects: it removes missing objects
/// from the state and records changes. A tracked attribute keeps the value that was applied,
/// because the next plan compares with that value.
/// @throws Error: failed reads, targets that match nothing
Plan make_refresh_plan(const Graph& graph, const PriorState& prior, const PlanOptions& options);

} // namespace hadeploy
