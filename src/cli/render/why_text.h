#pragma once

#include "cli/render/terminal.h"
#include "planner/plan/why.h"

#include <nlohmann/json.hpp>

namespace hadeploy::cli {

/// The explanation for people: what is done to the resource, each difference with its line of the
/// spec and where it comes from; then the same of what it comes from.
std::string render_why(const std::vector<Why>& chain, const Plan& plan, const Sources& sources,
                       const Style& style);

/// One link of it as an object.
nlohmann::json why_json(const Why& why, const Plan& plan, const Sources& sources);

} // namespace hadeploy::cli
