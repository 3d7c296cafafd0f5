#pragma once

#include "cli/render/graph.h"

#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace hadeploy::cli {

/// What a page shows besides a drawing. All members are plain text.
struct GraphPage {
    std::string title = "hadeploy graph";
    std::string headline = {};             ///< below the title
    std::vector<std::string> notes = {};   ///< texts of several lines, such as data losses
    std::vector<std::string> words = {};   ///< by box: the action in words; default: the state
    std::vector<std::string> changes = {}; ///< by box: the lines of its changes
};

/// A page with the drawing, and a list of its resources with the same content. Modules and blocks
/// are folded until the drawing is small enough to read. The reader can unfold, search, move and
/// zoom it.
std::string to_html(const Drawing& drawing, const GraphPage& page = {});

/// The page of a plan: each resource with its changes. `graph` is nullptr if there is no spec.
/// @param title  plain text
/// @param warnings  as text
/// @param hidden  redacts secrets; used for each text
std::string plan_html(const Graph* graph, const Plan& plan, const std::string& title,
                      const std::string& warnings,
                      const std::function<std::string(std::string_view)>& hidden);

} // namespace hadeploy::cli
