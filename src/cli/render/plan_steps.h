#pragma once

#include "cli/render/terminal.h"
#include "planner/plan/plan.h"

#include <string>

namespace hadeploy::cli {

/// How much of the plan is shown.
struct Detail {
    bool summary = false; ///< counts alone, by block, module or type
    bool unfold = false;  ///< each instance, also where the same is said of all
};

/// Each step once: a block of those with attributes to show, then a line or two of the others, of
/// which removals are the last.
std::string render_steps(const Plan& plan, const Detail& detail, const Style& style);

/// In which order replacements go that stand on each other; "" when none does.
std::string render_order(const Plan& plan);

/// "create", "start": what a step does in words.
std::string words_of(const Step& step);

} // namespace hadeploy::cli
