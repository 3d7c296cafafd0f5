#pragma once

#include "planner/plan/plan.h"
#include "planner/plan/prior_state.h"

#include <functional>
#include <string>
#include <vector>

namespace hadeploy {

class Claims;

/// The plan to remove what is recorded: all of it, or the targets.
/// @param graph  what the spec says of the protection of objects goes before their records
Plan make_destroy_plan(const PriorState& world, const Registry& registry,
                       const PlanOptions& options = {}, const Graph* graph = nullptr);

/// Adds the steps for what is recorded and not kept, in no order; what is within one of the
/// addresses in `let_go` is only forgotten. (A part of the two above.)
/// @param kept    whether what has this address stays
/// @param claims  of the spec's resources, so that no object goes which one of them manages; may be
///                nullptr
/// @param graph   as of make_destroy_plan()
void add_removals(Plan& plan, const PriorState& world, const Registry& registry,
                  const std::function<bool(const std::string&)>& kept,
                  const std::vector<Dependency>& let_go, const Claims* claims,
                  Diagnostics& diagnostics, const Graph* graph = nullptr);

/// What is known of an old object, with the options that the spec has now of how its removal is
/// done: `force: true` counts although the replacement is in the same plan.
Value with_removal_options(const ResourceType& type, Value before, const Value& wanted);

/// Makes the removals of old generations depend on whether the new ones are needed.
void settle_old_generations(Plan& plan, const PriorState& world);

} // namespace hadeploy
