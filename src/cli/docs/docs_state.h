#pragma once

#include <string>

namespace hadeploy::cli {

/// The part of the reference about states, environments, saved plans and the history.
std::string state_reference();

} // namespace hadeploy::cli
