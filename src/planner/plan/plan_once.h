#pragma once

#include "planner/graph/graph.h"
#include "planner/plan/plan.h"
#include "planner/plan/prior_state.h"

#include <set>
#include <string>

namespace hadeploy {

struct Evaluation;

/// The ordered steps of a plan, under the assumption that all of them can be applied together; see
/// make_plan().
/// @param held  machines that stay unchanged, with everything that they use
Plan plan_once(const Graph& graph, const PriorState& prior, const ProviderSettings& settings,
               const PlanOptions& options, const Evaluation* evaluation,
               std::set<std::string> held);

} // namespace hadeploy
