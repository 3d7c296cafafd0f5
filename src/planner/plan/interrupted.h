#pragma once

#include "planner/plan/plan.h"
#include "planner/plan/prior_state.h"

namespace hadeploy {

/// Fills in Plan::resumed, the changes of earlier runs that the plan resumes.
void note_interrupted(Plan& plan, const PriorState& prior);

} // namespace hadeploy
