#pragma once

#include "planner/plan.h"

#include <optional>
#include <string>
#include <vector>

namespace hadeploy::cli {

enum class GraphFormat { dot, mermaid, json };
std::optional<GraphFormat> parse_graph_format(std::string_view text);

/// Boxes and arrows, for whoever draws them.
struct Drawing {
    struct Box {
        std::string address, type;
        std::optional<Action> action; ///< none: nothing to do, or no plan
    };
    std::vector<Box> boxes;
    /// from what depends to what it depends on, as indexes into boxes; without those that follow
    /// from others
    std::vector<std::pair<std::size_t, std::size_t>> edges;
};

/// The resources of a spec; with a plan each has its action, and what goes is drawn too.
Drawing draw(const Graph& graph, const Plan* plan = nullptr);
/// The steps of a plan by what they wait for.
Drawing draw(const Plan& plan);

std::string render_drawing(const Drawing& drawing, GraphFormat format);

} // namespace hadeploy::cli
