#include "cli/docs/docs_commands.h"
#include "cli/docs/docs_functions.h"
#include "cli/docs/docs_markdown.h"
#include "cli/docs/docs_schema.h"
#include "cli/docs/docs_text.h"
#include "cli/docs/docs_topics.h"
#include "cli/render/graph.h"
#include "render_fixture.h"
#include "support/project.h"

using namespace hadeploy;
using namespace hadeploy::cli;
using namespace hadeploy::test;

namespace {
struct TestKind : Provider {
    TestKind() {
        name = "test";
        doc = "Nothing real.";
        schema = {{.name = "uri",
                   .type = TypeKind::string,
                   .doc = "Where.",
                   .default_value = Value("x:")}};
    }
    std::vector<Endpoint> endpoints(const ResourceType&, const Value&,
                                    const Value&) const override {
        return {};
    }
    std::shared_ptr<OpenEndpoint> open(const Endpoint&, const ProviderContext&) override {
        return nullptr;
    }
};

Registry sample_registry() {
    Registry registry;
    registry.add(std::make_unique<TestKind>());
    registry.add(std::make_unique<MachineType>());
    registry.add(std::make_unique<FileType>());
    return registry;
}
} // namespace

TEST_CASE("a type's documentation comes from its schema") {
    check_golden("tests/cli/golden/docs-type.txt", render_type(kFile, {.width = 70}));
    check_golden("tests/cli/golden/docs-list.txt", render_type_list(sample_registry(), {}));
    CHECK(render_provider(TestKind(), {}).find("uri  string; default x:") != std::string::npos);
}

TEST_CASE("the chaos section is documented") {
    CHECK(render_chaos({}).find("hosts") != std::string::npos);
}

TEST_CASE("the functions are documented from their table") {
    CHECK(render_functions({}).find(
              "  upper(text: string)\n      The text with ASCII letters in upper case.\n"
              "      upper(\"web-1\") = \"WEB-1\"\n") != std::string::npos);
    const std::string text = reference_markdown(sample_registry());
    CHECK(text.find("\n### Networks\n") != std::string::npos);
    CHECK(text.find("| `cidrnetmask(network: string)` | The netmask of an IPv4 network. | "
                    "`cidrnetmask(\"10.77.0.0/20\") = \"255.255.240.0\"` |\n") !=
          std::string::npos);
    CHECK(text.find("`max(values: number\\|list...)`") != std::string::npos);
}

TEST_CASE("each section of the reference is a topic") {
    std::map<std::string, std::string> topics;
    for (const DocTopic& topic : doc_topics()) {
        CHECK(topics.emplace(topic.name, topic.markdown).second); // no name twice
        const std::string text = render_markdown(topic.markdown, {.width = 80});
        CHECK(text.find(topic.name == "spec" ? "The spec" : "\n") != std::string::npos);
        for (const char* markup : {"](", "|---", "```", "&lt;", "\\|"}) {
            INFO(topic.name, markup);
            CHECK(text.find(markup) == std::string::npos);
        }
    }
    for (const char* name : {"spec", "variables", "types", "expressions", "lifecycle", "modules",
                             "state", "shared-state", "plan-json"})
        CHECK(topics.contains(name));
    CHECK(topics["state"].find("### Shared state") != std::string::npos); // a subsection
    CHECK(topics["spec"].find("### Variables") == std::string::npos);     // a topic of its own
    CHECK(topics["resources"].find("#### lifecycle") != std::string::npos);
    CHECK(topics["lifecycle"].find("### Data sources") == std::string::npos);
    std::string known = render_type_list(sample_registry(), {});
    for (const auto& [name, markdown] : topics) CHECK(known.find(name) != std::string::npos);
}

TEST_CASE("Markdown is rendered for a terminal") {
    CHECK(
        render_markdown(
            "## A heading\n\nA [link](x.md#y) in\na paragraph.\n\n- one\n- two\n  "
            "lines\n\n```yaml\n# no heading\na: 1\n```\n\n| Field | |\n|---|---|\n| `a` "
            "| b \\| `c` |\n| d | |\n",
            {.width = 60}) ==
        "A heading\n\n  A link in a paragraph.\n\n    * one\n    * two lines\n\n    # no heading\n"
        "    a: 1\n\n  Field\n  `a`\n      b | `c`\n  d\n");
}

TEST_CASE("the reference has every attribute, including fields of objects") {
    const std::string text = reference_markdown(sample_registry());
    CHECK(text.find("\n### test.file\n") != std::string::npos);
    CHECK(text.find("- [test.file](#testfile): A file on a machine.\n") != std::string::npos);
    CHECK(text.find("| `disk.size` | bytes |") != std::string::npos);
    CHECK(text.find("| `content` | string | What it holds, a \\| b. |") != std::string::npos);
    CHECK(text.find("\n## Chaos\n") != std::string::npos);
    CHECK(text.find("*default 1 GiB; at least 64 MiB.*") != std::string::npos);
    CHECK(text.find("resources:\n  motd:\n    type: test.file\n") != std::string::npos);
    CHECK(text.ends_with("|\n"));
}

TEST_CASE("the JSON Schema knows each type's attributes and refuses others") {
    auto schema = spec_schema(sample_registry());
    CHECK(schema["properties"]["chaos"]["anyOf"][0]["properties"].contains("hosts"));
    CHECK(schema["required"] == nlohmann::json::array({"name"}));
    const auto& file = schema["definitions"]["test.file"];
    CHECK(file["additionalProperties"] == false);
    CHECK(file["required"] == nlohmann::json::array({"host", "path"}));
    CHECK_FALSE(file["properties"].contains("sha256")); // computed
    CHECK(file["properties"]["type"]["const"] == "test.file");
    CHECK(file["properties"]["state"]["anyOf"][0]["enum"] ==
          nlohmann::json::array({"present", "empty"}));
    CHECK(file["properties"]["users"]["anyOf"][0]["minItems"] == 1);
    CHECK(schema["definitions"]["test.machine"]["properties"]["disk"]["anyOf"][0]["properties"]
              .contains("size"));
    CHECK(schema["definitions"]["resource"]["allOf"].size() == 2);
    CHECK(schema["properties"]["providers"]["properties"]["test"]["properties"]["uri"]["default"] ==
          "x:");
    const auto module = spec_schema(sample_registry(), true);
    CHECK_FALSE(module["properties"].contains("providers"));
    CHECK_FALSE(module.contains("required"));
    schema["properties"].erase("chaos"); // not part of this test
    // compare everything, to detect nesting mistakes
    check_golden("tests/cli/golden/schema.json", schema.dump(2) + "\n");
}

TEST_CASE("a drawing has no transitive edges") {
    const TestSpec spec(R"(
name: t
resources:
  a: {type: fake.thing, name: a}
  b: {type: fake.thing, name: b, value: "${a.name}"}
  c: {type: fake.thing, name: c, value: "${a.name} ${b.name}"}
)");
    const Drawing drawing = draw(*spec.graph);
    REQUIRE(drawing.boxes.size() == 3);
    CHECK(drawing.edges == std::vector<std::pair<std::size_t, std::size_t>>{{1, 0}, {2, 1}});
}

TEST_CASE("a plan's drawing in three formats") {
    const Drawing drawing = draw(mixed_plan());
    check_golden("tests/cli/golden/graph.dot", render_drawing(drawing, GraphFormat::dot));
    check_golden("tests/cli/golden/graph.mermaid", render_drawing(drawing, GraphFormat::mermaid));
    check_golden("tests/cli/golden/graph.json", render_drawing(drawing, GraphFormat::json));
}
