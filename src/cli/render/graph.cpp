#include "cli/render/graph.h"

#include "cli/render/graph_html.h"
#include "cli/render/graph_svg.h"

#include "cli/render/plan_text.h"

#include <algorithm>
#include <fmt/format.h>
#include <map>
#include <nlohmann/json.hpp>
#include <set>

namespace hadeploy::cli {

namespace {
using Edges = std::vector<std::vector<std::size_t>>; ///< by box: the boxes it depends on

/// Transitive reduction. `order` lists dependencies before dependents.
Edges without_shortcuts(const Edges& edges, const std::vector<std::size_t>& order) {
    std::vector<std::vector<bool>> below(edges.size(), std::vector<bool>(edges.size()));
    std::vector<std::size_t> place(edges.size());
    for (std::size_t i = 0; i < order.size(); ++i) place[order[i]] = i;
    Edges out(edges.size());
    for (const std::size_t box : order) {
        std::vector<std::size_t> deps = edges[box];
        // latest first: boxes reachable from them need no edge
        std::sort(deps.begin(), deps.end(), [&](auto a, auto b) { return place[a] > place[b]; });
        for (const std::size_t d : deps) {
            if (below[box][d]) continue;
            out[box].push_back(d);
            below[box][d] = true;
            for (std::size_t i = 0; i < edges.size(); ++i)
                if (below[d][i]) below[box][i] = true;
        }
        std::sort(out[box].begin(), out[box].end());
    }
    return out;
}

void set_edges(Drawing& drawing, const Edges& edges, const std::vector<std::size_t>& order) {
    const Edges least = without_shortcuts(edges, order);
    for (std::size_t box = 0; box < least.size(); ++box)
        for (const std::size_t d : least[box]) drawing.edges.emplace_back(box, d);
}

std::string label_of(const Drawing::Box& box) {
    return box.action ? fmt::format("{} {}", action_symbol(*box.action), box.address) : box.address;
}

std::string dot_string(std::string_view text) {
    std::string out = "\"";
    for (const char c : text) {
        if (c == '"' || c == '\\') out += '\\';
        out += c;
    }
    return out + '"';
}

std::string to_dot(const Drawing& drawing) {
    std::string out = "digraph hadeploy {\n"
                      "  rankdir=LR;\n"
                      "  node [shape=box, style=\"rounded,filled\", fontname=\"sans-serif\"];\n";
    for (const Drawing::Box& box : drawing.boxes) {
        const Colors c = colors_of(box.action);
        out += fmt::format("  {} [label={}, tooltip={}, color=\"{}\", fillcolor=\"{}\"];\n",
                           dot_string(box.address), dot_string(label_of(box)), dot_string(box.type),
                           c.frame, c.inside);
    }
    for (const auto& [from, to] : drawing.edges)
        out += fmt::format("  {} -> {};\n", dot_string(drawing.boxes[from].address),
                           dot_string(drawing.boxes[to].address));
    return out + "}\n";
}

/// Mermaid accepts only HTML entities as escapes in labels.
std::string mermaid_label(std::string_view text) {
    std::string out = "\"";
    for (const char c : text) {
        if (c == '"')
            out += "#quot;";
        else if (c == '<')
            out += "#lt;";
        else if (c == '>')
            out += "#gt;";
        else if (c == '#')
            out += "#35;";
        else
            out += c;
    }
    return out + '"';
}

std::string to_mermaid(const Drawing& drawing) {
    std::string out = "flowchart LR\n";
    std::set<std::optional<Action>> used;
    for (std::size_t i = 0; i < drawing.boxes.size(); ++i) {
        const Drawing::Box& box = drawing.boxes[i];
        out += fmt::format("  n{}[{}]:::{}\n", i, mermaid_label(label_of(box)), state_of(box));
        used.insert(box.action);
    }
    for (const auto& [from, to] : drawing.edges) out += fmt::format("  n{} --> n{}\n", from, to);
    for (const std::optional<Action>& action : used) {
        const Colors c = colors_of(action);
        out += fmt::format("  classDef {} stroke:{},fill:{},color:#111827\n",
                           state_of({{}, {}, action}), c.frame, c.inside);
    }
    return out;
}

std::string to_graph_json(const Drawing& drawing) {
    nlohmann::json nodes = nlohmann::json::array(), edges = nlohmann::json::array();
    for (const Drawing::Box& box : drawing.boxes)
        nodes.push_back({{"address", box.address},
                         {"type", box.type},
                         {"action", box.action ? nlohmann::json(action_name(*box.action))
                                               : nlohmann::json(nullptr)}});
    for (const auto& [from, to] : drawing.edges)
        edges.push_back({{"from", drawing.boxes[from].address}, {"to", drawing.boxes[to].address}});
    const nlohmann::json out{{"nodes", std::move(nodes)}, {"edges", std::move(edges)}};
    return out.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
}
} // namespace

Colors colors_of(std::optional<Action> action) {
    if (!action) return {"#6b7280", "#f3f4f6"};
    switch (*action) {
    case Action::create: return {"#15803d", "#dcfce7"};
    case Action::update: return {"#a16207", "#fef9c3"};
    case Action::replace: return {"#7e22ce", "#f3e8ff"};
    case Action::read: return {"#1d4ed8", "#dbeafe"};
    case Action::remove: return {"#b91c1c", "#fee2e2"};
    case Action::adopt: return {"#0e7490", "#cffafe"};
    case Action::forget: return {"#6b7280", "#e5e7eb"};
    case Action::refresh: return {"#0e7490", "#ecfeff"};
    }
    return {"#6b7280", "#f3f4f6"};
}

std::string_view state_of(const Drawing::Box& box) {
    return box.action ? action_name(*box.action) : "unchanged";
}

std::optional<GraphFormat> parse_graph_format(std::string_view text) {
    if (text == "dot") return GraphFormat::dot;
    if (text == "mermaid") return GraphFormat::mermaid;
    if (text == "json") return GraphFormat::json;
    if (text == "svg") return GraphFormat::svg;
    if (text == "html") return GraphFormat::html;
    return std::nullopt;
}

Drawing draw(const Graph& graph, const Plan* plan) {
    Drawing out;
    Edges edges(graph.nodes().size());
    std::vector<std::size_t> order(graph.order().begin(), graph.order().end());
    for (NodeId id = 0; id < graph.nodes().size(); ++id) {
        out.boxes.push_back({graph[id].address, graph[id].type->name, std::nullopt});
        edges[id].assign(graph[id].deps.begin(), graph[id].deps.end());
    }
    if (plan != nullptr) {
        for (const Step& step : plan->steps) {
            if (step.node) {
                out.boxes[*step.node].action = step.action;
                continue;
            }
            order.push_back(out.boxes.size());
            out.boxes.push_back({step.address, step.type->name, step.action});
            edges.emplace_back();
        }
    }
    set_edges(out, edges, order);
    return out;
}

Drawing draw(const Plan& plan) {
    Drawing out;
    Edges edges;
    std::vector<std::size_t> order;
    for (const Step& step : plan.steps) {
        order.push_back(out.boxes.size());
        out.boxes.push_back({step.address, step.type->name, step.action});
        edges.emplace_back(step.after_steps.begin(), step.after_steps.end());
    }
    set_edges(out, edges, order);
    return out;
}

std::string render_drawing(const Drawing& drawing, GraphFormat format) {
    switch (format) {
    case GraphFormat::dot: return to_dot(drawing);
    case GraphFormat::mermaid: return to_mermaid(drawing);
    case GraphFormat::json: return to_graph_json(drawing);
    case GraphFormat::svg: return to_svg(drawing);
    case GraphFormat::html: return to_html(drawing);
    }
    return {};
}

} // namespace hadeploy::cli
