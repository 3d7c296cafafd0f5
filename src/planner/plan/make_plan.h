#pragma once

#include "planner/plan/plan.h"
#include "planner/plan/prior_state.h"

namespace hadeploy {

struct Evaluation;

/// Makes the plan for a spec.
/// @param evaluation  an earlier evaluation, if there is one. Its results are reused, except for
///         those that depend on an observation that has changed
/// @throws Error: conflicts, failed reads, wrong values
Plan make_plan(const Graph& graph, const PriorState& prior, const ProviderSettings& settings,
               const PlanOptions& options = {}, const Evaluation* evaluation = nullptr);

} // namespace hadeploy
