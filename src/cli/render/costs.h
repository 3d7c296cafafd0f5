#pragma once

#include "cli/render/terminal.h"
#include "planner/plan/plan.h"

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

/// What the provider charges for: ResourceType::costs(). hadeploy does not know prices.
namespace hadeploy::cli {

/// The texts of the object before and after a step; "" if there is no object, or if it is free.
struct Costs {
    std::string before, after;
    bool operator==(const Costs&) const = default;
};
Costs costs_of(const Step& step);

/// The line of a step that creates, replaces or changes an object that is charged for: "costs:
/// t3.micro -> t3.large"; empty if nothing changes.
std::vector<std::string> cost_lines(const Step& step, std::size_t indent);

/// What is charged for after the plan but not before, and what no longer is; "" if that does not
/// change.
std::string render_costs(const Plan& plan, const Style& style);
/// {"added": [{"what": "t3.micro", "count": 2}], "ended": [...]}; null if nothing changes.
nlohmann::json costs_json(const Plan& plan);

} // namespace hadeploy::cli
