#pragma once

#include "planner/spec/spec.h"

namespace hadeploy {

/// Runs those checks of `moved:` and `removed:` that need no values: duplicate addresses, cycles,
/// moves to addresses that the spec does not have. Sorts the moves of a chain.
void check_spec_addresses(Spec& spec, Diagnostics& diagnostics);

} // namespace hadeploy
