#pragma once

#include "cli/render/terminal.h"
#include "planner/plan/plan.h"

#include <string>

namespace hadeploy::cli {

/// How much of the plan is shown.
struct Detail {
    bool summary = false; ///< only counts, by block, module or type
    bool unfold = false;  ///< list each instance, even if the texts are identical
};

/// Each step once: first a block for each step that has attributes to show, then a line for each
/// other step. Removals are last.
std::string render_steps(const Plan& plan, const Detail& detail, const Style& style);

/// The reason of a step and its attributes, on lines without colours; "" if there are none.
std::string step_text(const Step& step);

/// The order of replacements that depend on each other; "" if there are none.
std::string render_order(const Plan& plan);

/// The action of a step in words: "create", "start".
std::string words_of(const Step& step);

} // namespace hadeploy::cli
