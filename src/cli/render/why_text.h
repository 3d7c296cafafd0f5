#pragma once

#include "cli/render/terminal.h"
#include "planner/plan/why.h"

#include <nlohmann/json.hpp>

namespace hadeploy::cli {

/// The explanation as text: the action on the resource, each difference with its line of the spec
/// and its source. The explanations of the sources follow in the same form.
std::string render_why(const std::vector<Why>& chain, const Plan& plan, const Sources& sources,
                       const Style& style);

/// One link of the chain as JSON.
nlohmann::json why_json(const Why& why, const Plan& plan, const Sources& sources);

} // namespace hadeploy::cli
