#include "cli/render/graph_html.h"

#include "cli/render/costs.h"
#include "cli/render/graph_tree.h"
#include "cli/render/plan_text.h"
#include "cli/render/text.h"
#include "core/page.h"
#include "embedded/graph_css.h"
#include "embedded/graph_js.h"

#include <array>
#include <fmt/format.h>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>

namespace hadeploy::cli {

namespace {
using Json = nlohmann::json;

/// Beginning with "no change".
constexpr std::array<std::optional<Action>, 9> kStates{
    std::nullopt, Action::create, Action::update, Action::replace, Action::remove,
    Action::read, Action::adopt,  Action::forget, Action::refresh};

std::string_view state_name(std::optional<Action> action) {
    return action ? action_name(*action) : "unchanged";
}

/// The colours of each state, in light and in dark.
std::string state_rules() {
    std::string light, dark;
    for (const auto& action : kStates) {
        const Colors c = colors_of(action);
        light += fmt::format("[data-state={}] {{ --frame: {}; --inside: {}; }}\n",
                             state_name(action), c.frame, c.inside);
        dark += fmt::format("[data-state={0}] {{ --frame: {1}; --inside: "
                            "color-mix(in srgb, {1} 30%, #0d1117); }}\n",
                            state_name(action), c.frame);
    }
    return fmt::format("{}@media (prefers-color-scheme: dark) {{\n{}}}\n", light, dark);
}

Json states() {
    Json out = Json::array();
    for (const auto& action : kStates)
        out.push_back({{"name", state_name(action)},
                       {"label", state_name(action)},
                       {"symbol", action ? action_symbol(*action) : ""}});
    return out;
}

Json tree_json(const GraphTree& tree) {
    Json out{{"name", printable(tree.name)}};
    if (tree.box) out["box"] = *tree.box;
    if (tree.of_type) out["of_type"] = true;
    for (const GraphTree& child : tree.children) out["children"].push_back(tree_json(child));
    return out;
}

/// Escapes JSON for a script element, so that it cannot end the element.
std::string for_page(const Json& json) {
    std::string out;
    for (const char c : json.dump(-1, ' ', false, Json::error_handler_t::replace))
        out += c == '<' ? "\\u003c" : std::string(1, c);
    return out;
}

std::string_view class_of(std::string_view line) {
    const auto at = line.find_first_not_of(' ');
    if (at == line.npos) return "";
    const std::string_view text = line.substr(at);
    if (text.starts_with("+ ")) return "added";
    if (text.starts_with("- ")) return "removed";
    return text.find(" -> ") != text.npos ? "changed" : "";
}

std::string lines_html(const std::string& text) {
    std::string out = "<pre>";
    for (const std::string& line : split_lines(text)) {
        const std::string_view kind = class_of(line);
        const std::string safe = escape_markup(printable(line));
        out +=
            kind.empty() ? safe + "\n" : fmt::format("<span class=\"{}\">{}</span>\n", kind, safe);
    }
    return out + "</pre>";
}

/// The list of resources, folded like the drawing.
class List {
  public:
    List(const Drawing& drawing, const GraphPage& page) : drawing_(drawing), page_(page) {}

    std::string of(const GraphTree& tree) const {
        std::string out = "<ul>\n";
        for (const GraphTree& child : tree.children)
            out += child.box ? resource(*child.box) : group(child);
        return out + "</ul>\n";
    }

  private:
    std::string group(const GraphTree& tree) const {
        const std::vector<std::size_t> boxes = tree.boxes();
        std::map<std::string_view, std::size_t> counts;
        for (const std::size_t box : boxes) ++counts[state_of(drawing_.boxes[box])];
        std::string text;
        for (const auto& [state, n] : counts)
            text += fmt::format("{}{} {}", text.empty() ? "" : ", ", n, state);
        return fmt::format(
            "<li class=\"group\"><details><summary><span class=\"address\">{}</span> "
            "<span class=\"badge\" data-state=\"{}\">{}</span></summary>\n{}"
            "</details></li>\n",
            escape_markup(printable(tree.name)), heaviest_state(drawing_, boxes), text, of(tree));
    }

    std::string resource(std::size_t index) const {
        const Drawing::Box& box = drawing_.boxes[index];
        const std::string& words = index < page_.words.size() && !page_.words[index].empty()
                                       ? page_.words[index]
                                       : std::string(state_of(box));
        const std::string_view symbol = box.action ? action_symbol(*box.action) : "";
        const std::string heading = fmt::format(
            "<span class=\"badge\" data-state=\"{}\">{}</span> <span class=\"address\">{}</span> "
            "<span class=\"dim\">{}</span>",
            state_of(box),
            escape_markup(symbol.empty() ? words : fmt::format("{} {}", symbol, words)),
            escape_markup(printable(box.address)), escape_markup(box.type));
        const std::string changes = index < page_.changes.size() ? page_.changes[index] : "";
        const std::string body = changes.empty()
                                     ? heading
                                     : fmt::format("<details><summary>{}</summary>{}</details>",
                                                   heading, lines_html(changes));
        return fmt::format("<li data-box=\"{}\"{}>{}</li>\n", index,
                           changes.empty() ? " tabindex=\"-1\"" : "", body);
    }

    const Drawing& drawing_;
    const GraphPage& page_;
};

constexpr std::string_view kParts =
    R"html(<a class="skip" href="#list">Skip to the list of resources</a>
<header>
<h1>{title}</h1>
<p data-testid="headline">{headline}</p>
<div class="tools" role="search">
<input id="search" data-testid="search" type="search" placeholder="search ( / )" aria-label="search">
<span id="found" data-testid="found" role="status"></span>
<span id="legend" data-testid="legend" role="group" aria-label="legend"></span>
</div>
</header>
<main{wide}>
{notes}<section id="graph-part" aria-labelledby="graph-title">
<h2 id="graph-title">Graph</h2>
<p class="dim">An arrow leads to what is needed. A click or Enter unfolds a stack, and shows the entry of a resource in the list; f folds. In the graph: drag or arrow keys to move, wheel or + and - to zoom, 0 for all of it.</p>
<div class="tools">
<button id="unfold" data-testid="unfold-all">unfold all</button>
<button id="fold" data-testid="fold-all">fold all</button>
</div>
<div id="open" data-testid="open" role="group" aria-label="what is unfolded"></div>
<div id="view" tabindex="0" role="group" aria-label="graph"></div>
<p id="details" data-testid="details" role="status"></p>
</section>
<section id="list" data-testid="list" aria-labelledby="list-title" tabindex="-1">
<h2 id="list-title">Resources</h2>
<div class="tools"><button id="open-all">open all</button><button id="close-all">close all</button></div>
{list}</section>
</main>
<script id="data" type="application/json">{data}</script>
)html";

std::string notes_html(const GraphPage& page) {
    if (page.notes.empty()) return "";
    std::string out =
        "<section class=\"notes\" data-testid=\"notes\" aria-labelledby=\"notes-title\">"
        "<h2 id=\"notes-title\">Notes</h2>\n";
    for (const std::string& note : page.notes) out += lines_html(note) + "\n";
    return out + "</section>\n";
}

} // namespace

std::string to_html(const Drawing& drawing, const GraphPage& page) {
    const GraphTree tree = graph_tree(drawing);
    Json nodes = Json::array(), edges = Json::array();
    for (const Drawing::Box& box : drawing.boxes)
        nodes.push_back(
            {{"address", printable(box.address)}, {"type", box.type}, {"state", state_of(box)}});
    for (const auto& [from, to] : drawing.edges) edges.push_back({from, to});
    const Json data{{"nodes", std::move(nodes)},
                    {"edges", std::move(edges)},
                    {"tree", tree_json(tree)},
                    {"actions", states()}};
    return html_page(
        {.title = page.title,
         .style = std::string(embedded::graph_css) + state_rules(),
         .body = fmt::format(fmt::runtime(kParts), fmt::arg("title", escape_markup(page.title)),
                             fmt::arg("headline", escape_markup(page.headline)),
                             fmt::arg("wide", page.changes.empty() ? "" : " class=\"wide-enough\""),
                             fmt::arg("notes", notes_html(page)),
                             fmt::arg("list", List(drawing, page).of(tree)),
                             fmt::arg("data", for_page(data))),
         .script = std::string(embedded::graph_js)});
}

std::string plan_html(const Graph* graph, const Plan& plan, const std::string& title,
                      const std::string& warnings,
                      const std::function<std::string(std::string_view)>& hidden) {
    Drawing drawing = graph == nullptr ? draw(plan) : draw(*graph, &plan);
    std::map<std::string, const Step*> steps; // a replacement counts by its second half
    for (const Step& step : plan.steps) steps[step.address] = &step;
    GraphPage page{.title = hidden(title), .headline = hidden(plan_headline(plan))};
    page.words.resize(drawing.boxes.size());
    page.changes.resize(drawing.boxes.size());
    for (std::size_t i = 0; i < drawing.boxes.size(); ++i) {
        const auto step = steps.find(drawing.boxes[i].address);
        drawing.boxes[i].address = hidden(drawing.boxes[i].address);
        if (step == steps.end()) continue;
        page.words[i] = hidden(words_of(*step->second));
        page.changes[i] = hidden(step_text(*step->second));
    }
    for (const std::string& note : {render_losses(plan.losses, {}), render_costs(plan, {}),
                                    warnings, render_around(plan, {})})
        if (!note.empty()) page.notes.push_back(hidden(note));
    return to_html(drawing, page);
}

} // namespace hadeploy::cli
