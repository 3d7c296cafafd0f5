#pragma once

#include <string>

namespace hadeploy::cli {

/// The section of the reference about the JSON of a plan.
std::string plan_json_reference();

} // namespace hadeploy::cli
