#include "core/value_json.h"
#include "planner/plan/make_plan.h"
#include "planner/plan/prior_state.h"
#include "planner/spec/variables.h"
#include "planner/yaml/yaml.h"
#include "support/project.h"

#include <doctest/doctest.h>
#include <fmt/format.h>

using namespace hadeploy;

namespace {
std::string first_plan(const TestSpec& t) {
    PriorState prior{.lineage = "00000000-0000-4000-8000-000000000000"};
    for (const Node& n : t.graph->nodes()) prior.observed[n.address] = Observation::absent();
    return summary(make_plan(*t.graph, prior, t.settings));
}
} // namespace

TEST_CASE("a spec may be written as JSON") {
    const TestSpec t(R"({
  "name": "t",
  "variables": {"size": {"type": "integer", "default": 2}},
  "resources": {
    "a": {"type": "fake.thing", "name": "a", "size": "${var.size}"},
    "b": {"type": "fake.thing", "name": "b\u0062", "value": "${a.token}"}
  }
})");
    CHECK(first_plan(t) == "create a; create b");
}

TEST_CASE("instances are keyed by name, and each depends only on its own inputs") {
    const TestSpec t(R"(
name: t
variables: {names: {type: map(string), default: {b: two, a: one}}}
resources:
  first: {type: fake.thing, for_each: "${var.names}", name: "first-${each.key}", value: "${each.value}"}
  second: {type: fake.thing, for_each: "${first[*].token}", name: "second-${each.key}", value: "${each.value}"}
)");
    CHECK(first_plan(t) == "create first[\"a\"]; create first[\"b\"]; create second[\"a\"]; "
                           "create second[\"b\"]");
    const Node& second_b = (*t.graph)[*t.graph->find("second[\"b\"]")];
    REQUIRE(second_b.deps.size() == 1);
    CHECK((*t.graph)[second_b.deps[0]].address == "first[\"b\"]");
}

TEST_CASE("modules take typed inputs and give outputs; dependencies go through them") {
    const TestSpec t(TestSpec::Files{{"hadeploy.yaml", R"(
name: t
resources:
  root: {type: fake.thing, name: root}
modules:
  m: {source: mod, with: {names: [x, y], token: "${root.token}"}}
outputs:
  all: ${module.m.tokens}
)"},
                                     {"mod/module.yaml", R"(
variables:
  names: {type: list(string)}
  token: {type: string}
  size: {type: integer, default: 3}
resources:
  inner: {type: fake.thing, for_each: "${var.names}", name: "${each.key}", value: "${var.token}", size: "${var.size}"}
outputs:
  tokens: ${inner[*].token}
)"}});
    CHECK(first_plan(t) ==
          "create root; create module.m.inner[\"x\"]; create module.m.inner[\"y\"]");
    const Node& inner = (*t.graph)[*t.graph->find("module.m.inner[\"x\"]")];
    REQUIRE(inner.deps.size() == 1);
    CHECK((*t.graph)[inner.deps[0]].address == "root");
}

TEST_CASE("serial chains the instances of one block") {
    const TestSpec t(R"(
name: t
resources:
  s: {type: fake.thing, for_each: [c, a, b], serial: true, name: "${each.key}"}
)");
    CHECK((*t.graph)[0].deps.empty());
    CHECK((*t.graph)[1].deps == std::vector<NodeId>{0});
    CHECK((*t.graph)[2].deps == std::vector<NodeId>{1});
}

TEST_CASE("secrets stay secret through expressions") {
    const TestSpec t(TestSpec::Files{{"hadeploy.yaml", R"(
name: t
variables: {password: {type: string, secret: true}}
resources:
  a: {type: fake.thing, name: a, value: "user:${var.password}"}
)"}},
                     VariableValues{{"password", Value("hunter2")}});
    Diagnostics diagnostics;
    const Value config = t.graph->config(
        0, [](NodeId) { return Value::unknown(); }, diagnostics);
    CHECK(config["value"].as_string() == "user:hunter2");
    CHECK(config["value"].secret());
    CHECK(display(config["value"]) == "(secret)");
    CHECK(to_public_json(config).find("hunter2") == std::string::npos);
}

TEST_CASE("secrets are read from the files that the spec names") {
    const TestSpec t(
        {{"hadeploy.yaml", "name: t\n"
                           "secrets: {app: secrets/app.yaml}\n"
                           "resources:\n"
                           "  a: {type: fake.thing, name: a, "
                           "value: 'key=${secret.app.deep.key}'}\n"
                           "modules:\n"
                           "  m: {source: m, with: {password: \"${secret.app.pw}\"}}\n"},
         {"m/module.yaml", "variables: {password: {type: string}}\n"
                           "resources:\n"
                           "  b: {type: fake.thing, name: b, "
                           "value: \"${var.password}\"}\n"}},
        {},
        Value::map(
            {{"app", Value::map({{"pw", Value("x").as_secret()},
                                 {"deep", Value::map({{"key", Value("y").as_secret()}})}})}}));
    CHECK(t.spec.secret_files.at("app").path == "secrets/app.yaml");
    Diagnostics diagnostics;
    const auto value = [&](const std::string& address) {
        return t.graph->config(
            *t.graph->find(address), [](NodeId) { return Value(); }, diagnostics)["value"];
    };
    CHECK(value("a") == Value("key=y"));
    CHECK(value("a").secret());
    CHECK(value("module.m.b") == Value("x"));
    CHECK(value("module.m.b").secret());
    CHECK(diagnostics.empty());
}

TEST_CASE("missing secrets") {
    const auto with_value = [](const std::string& value) {
        return errors_of("name: t\nresources:\n  a: {type: fake.thing, name: a, value: \"" + value +
                         "\"}\n");
    };
    CHECK(with_value("${secret.app.pw}").find("there are no secrets \"app\"") != std::string::npos);
    CHECK(with_value("${secret}").find("needs a name after it") != std::string::npos);
    CHECK(errors_of("name: t\nsecrets: {app: [1]}\n") ==
          "hadeploy.yaml:2:11: secrets \"app\": expected a file, got a list "
          "(for example: app: secrets/app.yaml, made with `hadeploy vault encrypt`)\n");
    CHECK(errors_of("name: t\nresources: {secret: {type: fake.thing, name: a}}\n") ==
          "hadeploy.yaml:2:13: \"secret\" is a reserved name\n");
    const TestSpec::Files in_module{{"hadeploy.yaml", "name: t\nmodules: {m: {source: m}}\n"},
                                    {"m/module.yaml",
                                     "resources:\n  a: {type: fake.thing, name: a, "
                                     "for_each: \"${secret.app}\"}\n"}};
    CHECK_THROWS_AS((TestSpec(in_module)), Error);
}

TEST_CASE("all errors are reported together, with their places") {
    CHECK(errors_of(R"(
name: t
resources:
  a: {type: fake.thing, name: a, valeu: x}
  b: {type: fake.thingy, name: b}
  c: {type: fake.thing, value: "${nothing.x}", name: c}
)") == "hadeploy.yaml:5:13: there is no resource type \"fake.thingy\" (did you mean "
       "\"fake.thing\"?)\n");
    CHECK(errors_of(R"(
name: t
resources:
  c: {type: fake.thing, value: "${d.tokn}${dd}", name: c}
  d: {type: fake.thing, name: d, value: "${var.x}"}
)") == "hadeploy.yaml:4:35: d has no \"tokn\" (did you mean \"token\"?)\n"
       "hadeploy.yaml:4:44: nothing here is called \"dd\" (did you mean \"d\"?)\n"
       "hadeploy.yaml:5:44: there is no variable \"x\"\n");
}

TEST_CASE("a circle is shown as a path") {
    CHECK(errors_of(R"(name: t
resources:
  a: {type: fake.thing, name: a, value: "${b.token}"}
  b: {type: fake.thing, name: b, value: "${c.token}"}
  c: {type: fake.thing, name: c, value: "${a.token}"}
  d: {type: fake.thing, name: d, value: "${a.token}"}
)") == "hadeploy.yaml:3:3: 3 resources depend on each other in a cycle\n"
       "  hadeploy.yaml:3:3: a needs b\n"
       "  hadeploy.yaml:4:3: b needs c\n"
       "  hadeploy.yaml:5:3: c needs a\n");
}

TEST_CASE("YAML that would be misread is refused") {
    CHECK(errors_of("name: t\nname: u\n") ==
          "hadeploy.yaml:2:1: duplicate key\n  hadeploy.yaml:1:1: first here\n");
    CHECK(errors_of("name: t\n---\nname: u\n").find("a second document begins here") !=
          std::string::npos);
    CHECK(errors_of("name: t\nresources: &a {x: *a}\n").find("an alias within the value") !=
          std::string::npos);
    CHECK(errors_of("name: !!python/object t\n").find("tags are not supported") !=
          std::string::npos);
    CHECK(errors_of("name: t\nresources:\n\ta: {}\n") ==
          "hadeploy.yaml:3:1: a tab in the indentation (indent with spaces)\n");
    CHECK(errors_of("name: \xff\n") ==
          "hadeploy.yaml:1:7: the byte 0xff is not valid UTF-8 (save the file as UTF-8)\n");
    CHECK(errors_of("") == "hadeploy.yaml:1:1: the file is empty\n");
    CHECK(errors_of("- a\n").find("a spec is a map, not a list") != std::string::npos);
    CHECK(errors_of("name: \"t\n").find("a string without its closing quote") != std::string::npos);
    CHECK(errors_of(",") != "");
    std::string deep = "name: t\nresources: ";
    for (int i = 0; i < 100; ++i) deep += "{a: ";
    CHECK(errors_of(deep).find("nested more than 64 levels deep") != std::string::npos);
    std::string bomb = "a: &a [x,x,x,x,x,x,x,x,x,x]\n";
    for (char c = 'b'; c < 'l'; ++c) {
        bomb += fmt::format("{0}: &{0} [", c);
        for (int i = 0; i < 10; ++i)
            bomb += fmt::format("{}*{}", i ? "," : "", static_cast<char>(c - 1));
        bomb += "]\n";
    }
    CHECK(errors_of(bomb).find("aliases expand this") != std::string::npos);
}

namespace {
/// A text read as YAML, as JSON; or the first error.
std::string yaml(const std::string& text) {
    Sources sources;
    Diagnostics diagnostics;
    const Value root = read_yaml(sources, sources.add("test", text), diagnostics);
    if (diagnostics.empty()) return to_json(root);
    const Error& e = diagnostics.list().front();
    return fmt::format("{}:{}: {}", e.loc.line, e.loc.column, e.message);
}
} // namespace

TEST_CASE("merge keys add the entries of other maps") {
    const std::string head = "a: &a {x: 1, y: 1}\nb: &b {y: 2, z: {deep: 1}}\n";
    const auto c = [&](const std::string& body) {
        const std::string all = yaml(head + "c: " + body + "\n");
        const auto at = all.find("\"c\":");
        return at == all.npos ? all : all.substr(at + 4, all.size() - at - 5);
    };
    CHECK(c("{<<: *a}") == R"({"x":1,"y":1})");
    CHECK(c("{y: 3, <<: *a}") == R"({"x":1,"y":3})");
    CHECK(c("{<<: *a, y: 3}") == R"({"x":1,"y":3})");
    CHECK(c("{<<: [*a, *b]}") == R"({"x":1,"y":1,"z":{"deep":1}})");
    CHECK(c("{<<: [*b, *a]}") == R"({"x":1,"y":2,"z":{"deep":1}})");
    CHECK(c("{<<: {<<: *b, y: 3}, z: 0}") == R"({"y":3,"z":0})");
    CHECK(c("{<<: []}") == "{}");
    CHECK(c("\n  <<: *a\n  y: ~") == R"({"x":1,"y":null})");
    CHECK(c("{\"<<\": *a}") == R"({"<<":{"x":1,"y":1}})");
    CHECK(c("['<<', <<]") == R"(["<<","<<"])");
    CHECK(c("{<<: 5}") == "3:5: << merges a map or a list of maps, not an integer");
    CHECK(c("{<<: [*a, 1]}") == "3:5: << merges a map or a list of maps, not an integer");
    CHECK(c("{<<: }") == "3:5: << merges a map or a list of maps, not nothing");
    CHECK(c("{<<: *a, <<: *b}") == "3:13: duplicate key \"<<\"");
    CHECK(c("{<<: *a, y: 1, y: 2}") == "3:19: duplicate key");
    CHECK(c("{<<: *a, &k key: 1, *k : 2}").find("duplicate key") != std::string::npos);
    CHECK(yaml("a: &a {<<: *a}\n") ==
          "1:12: an alias within the value that it refers to never ends");
}

TEST_CASE("entries that are merged keep their places") {
    CHECK(errors_of("x-a: &a {type: fake.thing, name: \"${no.such}\"}\nname: t\nresources:\n"
                    "  r: {<<: *a}\n")
              .starts_with("hadeploy.yaml:1:37: nothing here is called \"no\""));
}

TEST_CASE("merge keys are limited") {
    std::string text = "a: &a {";
    for (int i = 0; i < 2000; ++i) text += fmt::format("k{}: 1, ", i);
    text += "}\n";
    for (int i = 0; i < 260; ++i) text += fmt::format("m{}: {{<<: *a}}\n", i);
    CHECK(yaml(text).find("merge keys add more than 500000 entries") != std::string::npos);
    std::string bomb = "a: &a {k: [x,x,x,x,x,x,x,x,x,x]}\n";
    for (char c = 'b'; c < 'l'; ++c)
        bomb += fmt::format("{0}: &{0} {{<<: [*{1}, *{1}], l: [*{1},*{1},*{1},*{1},*{1}]}}\n", c,
                            static_cast<char>(c - 1));
    CHECK(yaml(bomb).find("aliases expand this") != std::string::npos);
}

TEST_CASE("sections for anchors are ignored, in modules too") {
    CHECK(errors_of("name: t\nx-y: [1, {a: \"${no.such}\"}]\n") == "");
    CHECK(errors_of("name: t\ny-x: 1\n").find("a spec has no key \"y-x\"") != std::string::npos);
}

TEST_CASE("a key that is null has its place") {
    CHECK(yaml("m: {a: 1, null: 2}\n") == "1:11: a key can't be null");
    CHECK(yaml("m:\n  a: 1\n  ~: 2\n") == "3:3: a key can't be null");
    CHECK(yaml("m: {\"null\": 2, '~': 3}\n") == R"({"m":{"null":2,"~":3}})");
    CHECK(yaml("- &a null\n- {*a : 1}\n") == "2:4: a key is a string, not nothing");
}

TEST_CASE("YAML mistakes have hints with the right form") {
    const auto hint_of = [](const std::string& line) {
        const std::string all = errors_of("name: t\n" + line + "\n");
        const auto begin = all.find(" ("), end = all.rfind(')');
        return begin == all.npos ? "none in: " + all : all.substr(begin + 2, end - begin - 2);
    };
    const std::string quoted = "an expression needs quotes within { } and [ ], and where it has a "
                               "\": \" or a \" #\": \"${...}\"";
    CHECK(hint_of("outputs: {a: ${var.x}}") == quoted);
    CHECK(hint_of("outputs: {a: \"${var.y}\", b: ${var.x[0]}}") == quoted);
    CHECK(hint_of("locals: {a: [${var.x}, 1]}") == quoted);
    CHECK(hint_of("locals:\n  a: ${var.x ? \"y: z\" : 1}") == quoted);
    CHECK(hint_of("locals:\n  a: ${ {for k, v in x : k => v} }") == quoted);
    CHECK(hint_of("locals:\n  a: \"${f(\"x\")}\"") ==
          "in \"...\" the strings of an expression are written '...'");
    const std::string brackets = "a string that contains one of {}[], needs quotes here: \"...\"";
    CHECK(hint_of("moved: [{from: a[\"x\"], to: b}]") == brackets);
    CHECK(hint_of("locals: {a: \"${var.x}\", b: ]}") == brackets);
    CHECK(hint_of("locals:\n  a: b: c").starts_with("a string that contains \": \" needs quotes"));
    CHECK(hint_of("locals:\n  a: @home") == "a string that begins like this needs quotes: \"...\"");
    CHECK(hint_of("locals:\n  a: *all") == "a string that begins with * needs quotes: \"...\"");
    CHECK(hint_of("locals:\n  a: \"\\d+\"") ==
          "in \"...\" a backslash is written \\\\; in '...' it is written unchanged");
    CHECK(hint_of("locals:\n  a: 1\n b: 2") == "all keys of one map begin in the same column");
}
