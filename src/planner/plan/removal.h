#pragma once

#include "planner/plan/plan.h"
#include "planner/plan/prior_state.h"

#include <functional>
#include <string>
#include <vector>

namespace hadeploy {

class Claims;

/// The plan that removes everything that is recorded, or only the targets.
/// @param graph  graph whose lifecycles take precedence over the recorded ones
Plan make_destroy_plan(const PriorState& prior, const Registry& registry,
                       const PlanOptions& options = {}, const Graph* graph = nullptr);

/// Adds the steps for recorded resources that are not kept. Their order is not determined yet.
/// Resources within an address of `let_go` are only forgotten.
/// @param kept    whether the resource with this address stays
/// @param claims  claims of the spec's resources, so that no object that one of them manages is
///         removed; can be nullptr
/// @param graph   as in make_destroy_plan()
void add_removals(Plan& plan, const PriorState& prior, const Registry& registry,
                  const std::function<bool(const std::string&)>& kept,
                  const std::vector<Dependency>& let_go, const Claims* claims,
                  Diagnostics& diagnostics, const Graph* graph = nullptr);

/// The attributes of an old object, with the current removal options of the spec, so that
/// `force: true` takes effect even if it is set in the same plan as the replacement.
Value with_removal_options(const ResourceType& type, Value before, const Value& wanted);

/// Makes the removal of old generations depend on whether the new ones are needed.
void settle_old_generations(Plan& plan, const PriorState& prior);

} // namespace hadeploy
