#pragma once

#include "cli/context.h"
#include "planner/plan/plan.h"

namespace hadeploy::cli {

/// A plan with its warnings, as text or as JSON.
void print_plan(const Context& context, const Plan& plan);

/// Warns of secrets that are too short to be redacted in the output of commands.
void tell_short_secrets(const Context& context);

} // namespace hadeploy::cli
