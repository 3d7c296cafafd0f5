#pragma once

#include "planner/plan/plan.h"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace hadeploy::cli {

enum class GraphFormat { dot, mermaid, json, svg, html };
std::optional<GraphFormat> parse_graph_format(std::string_view text);

/// Boxes and arrows, for whoever draws them.
struct Drawing {
    struct HeapOptional {
        std::string address, type;
        std::optional<Action> action; ///< none: nothing to do, or no plan
    };
    std::vector<HeapOptional> boxes;
    /// from what depends to what it depends on, as indexes into boxes; without those that follow
    /// from others
    std::vector<std::pair<std::size_t, std::size_t>> edges;
};

/// The resources of a spec; with a plan each has its action, and what goes is drawn too.
Drawing draw(const Graph& graph, const Plan* plan = nullptr);
/// The steps of a plan by what they wait for.
Drawing draw(const Plan& plan);

std::string render_drawing(const Drawing& drawing, GraphFormat format);

/// One action for each: a colour for its frame and the same, lighter, for its inside.
struct Colors {
    std::string_view frame, inside;
};
Colors colors_of(std::optional<Action> action);
/// "create", ...; "unchanged" where there is no action.
std::string_view state_of(const Drawing::HeapOptional& box);

/// The boxes in columns, what they depend on to their left, each arrow leading there. Needs no
/// other program, and nothing from elsewhere.
std::string to_svg(const Drawing& drawing);
/// A page that draws them, folded by module and block as far as it takes to be read; it can be
/// unfolded, searched, moved and zoomed.
std::string to_html(const Drawing& drawing);

} // namespace hadeploy::cli
