#pragma once

#include "planner/plan/plan.h"
#include "planner/plan/prior_state.h"

namespace hadeploy {

/// Adds the objects in the state of another environment.
void add_elsewhere(Elsewhere& elsewhere, const std::string& environment, const PriorState& state,
                   const Registry& registry);

/// Refuses a resource that claims an object of another environment.
/// @throws Error(conflict) naming the environment and its resource
void refuse_elsewhere(const Elsewhere& elsewhere, const Registry& registry,
                      const ResourceType& type, const Value& config);

/// Adds an error for each removal that would remove an object of another environment, or contents
/// of it. Shared objects that the plan gives up are left to the environments that need them.
void protect_elsewhere(Plan& plan, const PriorState& prior, const Registry& registry,
                       Diagnostics& diagnostics);

} // namespace hadeploy
