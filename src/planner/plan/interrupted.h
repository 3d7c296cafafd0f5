#pragma once

#include "planner/plan/plan.h"
#include "planner/plan/prior_state.h"

namespace hadeploy {

/// Fills in what the plan takes up of what earlier runs began.
void note_interrupted(Plan& plan, const PriorState& world);

} // namespace hadeploy
