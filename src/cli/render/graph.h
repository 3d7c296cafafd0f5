#pragma once

#include "planner/plan/plan.h"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace hadeploy::cli {

enum class GraphFormat { dot, mermaid, json, svg, html };
std::optional<GraphFormat> parse_graph_format(std::string_view text);

/// Boxes and arrows, independent of the output format.
struct Drawing {
    struct Box {
        std::string address, type;
        std::optional<Action> action; ///< nullopt: no change, or no plan
    };
    std::vector<Box> boxes;
    /// From dependent to dependency, as indexes into boxes; transitively reduced.
    std::vector<std::pair<std::size_t, std::size_t>> edges;
};

/// The resources of a spec; with a plan each has its action, and removed resources are included.
Drawing draw(const Graph& graph, const Plan* plan = nullptr);
/// The steps of a plan with their dependencies.
Drawing draw(const Plan& plan);

std::string render_drawing(const Drawing& drawing, GraphFormat format);

/// Colours of an action: one for the frame, and a lighter one for the inside.
struct Colors {
    std::string_view frame, inside;
};
Colors colors_of(std::optional<Action> action);
/// "create", ...; "unchanged" if there is no action.
std::string_view state_of(const Drawing::Box& box);

} // namespace hadeploy::cli
