#pragma once

#include "cli/render/plan_steps.h"
#include "core/value.h"
#include "planner/plan/plan.h"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

namespace hadeploy::cli {

/// The content of a comment on a pull request about a saved plan.
struct MarkdownPlan {
    const Plan& plan;
    std::string project;
    Value origin;             ///< see run_origin()
    std::int64_t made_ms = 0; ///< Unix time
    std::string sha256;       ///< of the saved file
    std::string warnings;     ///< as text, with their places
};

/// The plan as Markdown of GitHub and GitLab: counts, data losses, and in a fold the text that
/// `show` prints. All text from the spec or from objects is in code blocks. It cannot end its code
/// block, so it is neither markup nor HTML nor a mention. If the plan is too long, its last lines
/// are left out, and the beginning of the text says so.
/// @param hidden  redacts secrets; used before anything is cut
/// @param limit  maximum size in bytes, at least 1000
std::string plan_markdown(const MarkdownPlan& saved, const Detail& detail,
                          const std::function<std::string(std::string_view)>& hidden,
                          std::size_t limit);

} // namespace hadeploy::cli
