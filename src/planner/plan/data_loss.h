#pragma once

#include "planner/plan/plan.h"
#include "planner/plan/prior_state.h"

#include <vector>

namespace hadeploy {

/// The data that a finished plan destroys: of what it removes, replaces or makes from nothing by an
/// update, and of what is replicated on too many of the machines that go. What was seen to be gone
/// is not lost by the plan; what only lived on a machine goes with that machine's loss.
std::vector<Loss> find_losses(const Plan& plan, const PriorState& world, const Registry& registry);

} // namespace hadeploy
