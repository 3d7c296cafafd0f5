#pragma once

#include "planner/plan/plan.h"
#include "planner/plan/prior_state.h"

namespace hadeploy {

struct Evaluation;

/// The plan for a spec.
/// @param survey  the one that went before, if there was one: what it has evaluated, and follows
///                from nothing that was seen to be otherwise, is not evaluated again
/// @throws Error: conflicts, failed reads, wrong values
Plan make_plan(const Graph& graph, const PriorState& world, const ProviderSettings& settings,
               const PlanOptions& options = {}, const Evaluation* evaluation = nullptr);

} // namespace hadeploy
