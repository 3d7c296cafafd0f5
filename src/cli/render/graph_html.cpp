#include "cli/render/graph_html.h"

#include "cli/render/plan_text.h"
#include "embedded/graph_page.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>

namespace hadeploy::cli {

namespace {
using Json = nlohmann::json;

/// Colours and symbols of the actions, beginning with "no change".
Json actions() {
    Json out = Json::array();
    const auto add = [&](std::string_view name, std::string_view label, std::string_view symbol,
                         std::optional<Action> action) {
        const Colors colors = colors_of(action);
        out.push_back({{"name", name},
                       {"label", label},
                       {"symbol", symbol},
                       {"frame", colors.frame},
                       {"inside", colors.inside}});
    };
    add("unchanged", "unchanged", "", std::nullopt);
    for (const Action a : {Action::create, Action::update, Action::replace, Action::remove,
                           Action::read, Action::adopt, Action::forget, Action::refresh})
        add(action_name(a), action_name(a), action_symbol(a), a);
    return out;
}

/// Escapes JSON for a script element, so that it cannot end the element.
std::string for_page(const Json& json) {
    std::string out;
    for (const char c : json.dump(-1, ' ', false, Json::error_handler_t::replace))
        out += c == '<' ? "\\u003c" : std::string(1, c);
    return out;
}
} // namespace

std::string to_html(const Drawing& drawing) {
    constexpr std::string_view kHere = "<!--drawing-->";
    Json nodes = Json::array(), edges = Json::array();
    for (const Drawing::Box& box : drawing.boxes)
        nodes.push_back({{"address", box.address}, {"type", box.type}, {"state", state_of(box)}});
    for (const auto& [from, to] : drawing.edges) edges.push_back({from, to});
    std::string page(embedded::graph_page);
    return page.replace(
        page.find(kHere), kHere.size(),
        for_page(
            {{"nodes", std::move(nodes)}, {"edges", std::move(edges)}, {"actions", actions()}}));
}

} // namespace hadeploy::cli
