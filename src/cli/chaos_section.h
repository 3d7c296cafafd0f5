#pragma once

#include "cli/project.h"

namespace hadeploy::cli {

/// The spec's `chaos` section, evaluated with the values recorded by the last apply.
/// @throws Error  if the section is missing, invalid or not known yet
Value recorded_chaos_section(const Project& project, const PriorState& prior);

} // namespace hadeploy::cli
