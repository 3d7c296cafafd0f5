#pragma once

#include "cli/render/terminal.h"
#include "planner/plan/plan.h"

#include <string>
#include <utility>
#include <vector>

namespace hadeploy::cli {

/// An item to count: address, type and action.
struct Counted {
    std::string address;
    std::string type;
    std::string what; ///< "to create"
    std::string symbol;
    Tint tint = Tint::plain;
};

/// One line per block with the number of each action. If there are too many lines for a screen: one
/// line per module and type, or only per type.
std::string render_counts(const std::vector<Counted>& all, const Style& style);

/// The summary of the steps of a plan.
std::string render_summary(const Plan& plan, const Style& style);

} // namespace hadeploy::cli
