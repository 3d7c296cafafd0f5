#include "cli/render/graph_html.h"
#include "cli/render/graph_layers.h"
#include "cli/render/graph_svg.h"
#include "cli/render/graph_tree.h"
#include "render_fixture.h"

#include <fmt/format.h>
#include <set>

using namespace hadeploy;
using namespace hadeploy::cli;
using namespace hadeploy::test;

namespace {
Drawing boxes(std::size_t n, std::vector<std::pair<std::size_t, std::size_t>> edges) {
    Drawing out;
    for (std::size_t i = 0; i < n; ++i)
        out.boxes.push_back({"r" + std::to_string(i), "test", std::nullopt});
    out.edges = std::move(edges);
    return out;
}
} // namespace

TEST_CASE("a box is right of its dependencies, alone in its place") {
    // 0 <- 1 <- 2 <- 3, and 3 needs 0 and 4 as well
    const Drawing drawing = boxes(6, {{1, 0}, {2, 1}, {3, 2}, {3, 0}, {3, 4}});
    const Layers layers = lay_out(drawing);
    const std::vector<std::size_t> wanted{0, 1, 2, 3, 0, 0};
    std::set<std::pair<std::size_t, std::size_t>> taken;
    for (std::size_t i = 0; i < wanted.size(); ++i) {
        CHECK(layers.boxes[i].layer == wanted[i]);
        CHECK(taken.emplace(layers.boxes[i].layer, layers.boxes[i].row).second);
    }
    // an edge across columns has its own place in each
    CHECK(layers.bends[0].empty());
    REQUIRE(layers.bends[3].size() == 2);
    CHECK(layers.bends[3][0].layer == 1);
    CHECK(layers.bends[3][1].layer == 2);
    for (const auto& chain : layers.bends)
        for (const Layers::Place& bend : chain) CHECK(taken.emplace(bend.layer, bend.row).second);
    CHECK(layers.rows == std::vector<std::size_t>{3, 3, 3, 1});
    CHECK(lay_out({}).rows.empty());
}

TEST_CASE("boxes are ordered to avoid crossing edges") {
    // three pairs, in the opposite order on the right
    const Layers layers = lay_out(boxes(6, {{5, 0}, {4, 1}, {3, 2}}));
    CHECK(layers.boxes[5].row == layers.boxes[0].row);
    CHECK(layers.boxes[4].row == layers.boxes[1].row);
    CHECK(layers.boxes[3].row == layers.boxes[2].row);
}

TEST_CASE("the drawing of a plan shows each action, and escapes XML") {
    Drawing drawing = draw(mixed_plan());
    drawing.boxes[0].address = "a<b>&\"c\x1b";
    const std::string svg = to_svg(drawing);
    for (const char* state : {"create", "update", "replace", "read", "remove", "adopt", "forget"})
        CHECK_MESSAGE(svg.find(fmt::format("data-state=\"{}\"", state)) != svg.npos, state);
    CHECK(svg.find("data-testid=\"node-a&lt;b&gt;&amp;&quot;c\\x1B\"") != svg.npos);
    CHECK(svg.find("data-testid=\"node-node[&quot;b&quot;]\"") != svg.npos);
    const std::string page = to_html(drawing);
    CHECK(page.find("{list}") == page.npos);
    // data cannot end the element early
    CHECK(page.find(R"("address":"a\u003cb>&\"c\\x1B")") != page.npos);
    CHECK(page.find(R"("name":"replace")") != page.npos);
    CHECK(to_svg({}).ends_with("</svg>\n"));
}

TEST_CASE("the path of an address names the groups around it") {
    using Path = std::vector<std::string>;
    CHECK(group_path("web") == Path{"web"});
    CHECK(group_path("web[0]") == Path{"web", "web[0]"});
    CHECK(group_path("module.a[\"x.y]\"].web[\"b\"]") == Path{"module.a", "module.a[\"x.y]\"]",
                                                              "module.a[\"x.y]\"].web",
                                                              "module.a[\"x.y]\"].web[\"b\"]"});
    CHECK(group_path("module.a.data.b") == Path{"module.a", "module.a.data.b"});
    CHECK(group_path("web[0]#2") == Path{"web", "web[0]#2"});
    CHECK(group_path("web[") == Path{"web", "web["});
    CHECK(group_path("").empty());
}

TEST_CASE("boxes are grouped by module and block, and many of one type by type") {
    Drawing drawing;
    const auto add = [&](const std::string& address, std::optional<Action> action = {}) {
        drawing.boxes.push_back({address, "test", action});
    };
    add("web[0]");
    add("web[1]", Action::remove);
    add("module.m.only", Action::create);
    add("alone[0]");
    GraphTree tree = graph_tree(drawing);
    REQUIRE(tree.children.size() == 3);
    CHECK(tree.children[0].name == "web");
    CHECK(tree.children[0].boxes() == std::vector<std::size_t>{0, 1});
    CHECK(heaviest_state(drawing, tree.boxes()) == "remove");
    CHECK(heaviest_state(drawing, {0, 2}) == "create");
    // groups of one are left out
    CHECK(tree.children[1].box == 2);
    CHECK(tree.children[2].name == "alone[0]");
    for (int i = 0; i < 30; ++i) add("single" + std::to_string(i));
    tree = graph_tree(drawing);
    REQUIRE(tree.children.size() == 2);
    CHECK(tree.children[1].name == "test");
    CHECK(tree.children[1].of_type);
    CHECK(tree.boxes().size() == drawing.boxes.size());
    CHECK(graph_tree({}).children.empty());
}
