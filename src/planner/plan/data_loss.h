#pragma once

#include "planner/plan/plan.h"
#include "planner/plan/prior_state.h"

#include <vector>

namespace hadeploy {

/// The data that a finished plan destroys: the data of objects that it removes, replaces or
/// recreates in an update, and replicated data that has copies on too many of the machines that the
/// plan removes. An object that was already gone when it was read is not a loss of the plan. Data
/// that exists only on a machine is counted with that machine.
std::vector<Loss> find_losses(const Plan& plan, const PriorState& prior, const Registry& registry);

} // namespace hadeploy
