#pragma once

#include "cli/render/terminal.h"
#include "planner/plan/plan.h"

#include <string>
#include <utility>
#include <vector>

namespace hadeploy::cli {

/// What is counted: of which address and type, and what is done with it.
struct Counted {
    std::string address;
    std::string type;
    std::string what; ///< "to create"
    std::string symbol;
    Tint tint = Tint::plain;
};

/// A line a block, with how often what is done; by module and type, or by type alone, where there
/// are too many for a screen.
std::string render_counts(const std::vector<Counted>& all, const Style& style);

/// The same of a plan.
std::string render_summary(const Plan& plan, const Style& style);

} // namespace hadeploy::cli
