#include "support/project.h"

#include <algorithm>
#include <doctest/doctest.h>
#include <random>

using namespace hadeploy;

namespace {
/// A node's config while all resources are unknown.
Value config_of(const TestSpec& t, const std::string& address) {
    Diagnostics diagnostics;
    return t.graph->config(
        *t.graph->find(address), [](NodeId) { return Value::unknown(); }, diagnostics);
}

std::string addresses(const Graph& graph) {
    std::string out;
    for (const Node& n : graph.nodes()) {
        out += n.address + ":";
        for (const NodeId d : n.deps) out += " " + graph[d].address;
        out += "; ";
    }
    return out;
}
} // namespace

TEST_CASE("locals name values, and dependencies through them stay narrow") {
    const TestSpec t(R"(
name: t
locals:
  prefix: web-${local.number}
  number: ${1 + 1}
  both: {x: "${a.token}", y: "${b.token}"}
resources:
  a: {type: fake.thing, name: "${local.prefix}"}
  b: {type: fake.thing, name: b}
  c: {type: fake.thing, name: c, value: "${local.both.y}"}
)");
    CHECK(config_of(t, "a")["name"] == Value("web-2"));
    CHECK(addresses(*t.graph) == "a:; b:; c: b; ");
}

TEST_CASE("a resource in a key, or behind a splat of a splat, is a dependency") {
    const TestSpec t(R"(
name: t
locals:
  all: [{of: ["${a.token}"]}, {of: ["${b.token}"]}]
  tokens: ${local.all[*].of[*]}
resources:
  a: {type: fake.thing, name: a}
  b: {type: fake.thing, name: b}
  keyed: {type: fake.thing, name: k, value: {"x-${a.token}": 1}}
  one: {type: fake.thing, name: o, value: "${local.tokens[1]}"}
)");
    CHECK(addresses(*t.graph) == "a:; b:; keyed: a; one: b; ");
}

TEST_CASE("everything that can be needed is a dependency") {
    const TestSpec t(R"(
name: t
resources:
  a: {type: fake.thing, name: a}
  b: {type: fake.thing, name: b}
  choice: {type: fake.thing, name: c, value: "${a.token == 'x' ? b.token : 'none'}"}
  first: {type: fake.thing, name: d, value: "${try(a.token, b.token)}"}
  known: {type: fake.thing, name: e, value: "${true ? a.token : b.token}"}
  logic: {type: fake.thing, name: f, value: "${tostring(a.token == 'x' && b.token == 'y')}"}
)");
    CHECK(addresses(*t.graph) == "a:; b:; choice: a b; first: a b; known: a; logic: a b; ");
}

TEST_CASE("circular and unknown locals are errors") {
    CHECK(errors_of(R"(name: t
locals:
  a: ${local.b + 1}
  b: "${[for x in [1] : local.c][0]}"
  c: "${true ? 1 : local.a}"
)") == "hadeploy.yaml:3:3: local.a depends on itself\n"
       "  hadeploy.yaml:3:3: local.a needs local.b\n"
       "  hadeploy.yaml:4:3: local.b needs local.c\n"
       "  hadeploy.yaml:5:3: local.c needs local.a\n");
    CHECK(errors_of(R"(name: t
locals: {node: 1}
outputs: {o: "${local.nod}"}
)") == "hadeploy.yaml:3:17: there is no local \"nod\" (did you mean \"node\"?)\n");
}

TEST_CASE("an invalid step into a local is an error at the reference") {
    CHECK(errors_of(R"(name: t
locals: {made: "${ {for x in ['a'] : x => x} }", plain: {b: 1}, bad: "${1 / 0}"}
outputs: {x: "${local.made.c}", y: "${local.plain.c}", z: "${local.bad.c}"}
)") == "hadeploy.yaml:3:17: local.made has no \"c\" (it has: a)\n"
       "hadeploy.yaml:3:39: local.plain has no \"c\" (it has: b)\n"
       "hadeploy.yaml:2:75: division by zero\n");
}

TEST_CASE("names are checked together, also in branches that are not taken") {
    CHECK(errors_of(R"(name: t
variables: {size: {type: integer, default: 1}}
resources:
  a: {type: fake.thing, name: a, value: "${var.size > 0 ? 'x' : var.sise}", size: "${false ? b.x : 1}"}
)") == "hadeploy.yaml:4:94: nothing here is called \"b\" (there are: a, var, local, data, secret, "
       "module, each, "
       "count, path, env)\n"
       "hadeploy.yaml:4:65: there is no variable \"sise\" (did you mean \"size\"?)\n");
}

TEST_CASE("a value that depends on itself through a module is an error") {
    const auto load = [] {
        const TestSpec t(TestSpec::Files{
            {"hadeploy.yaml", "name: t\nmodules:\n  m: {source: m, with: {x: \"${module.m.y}\"}}\n"
                              "outputs: {o: \"${module.m.y}\"}\n"},
            {"m/module.yaml", "variables: {x: {}}\noutputs: {y: \"${var.x}\"}\n"}});
    };
    CHECK_THROWS_AS(load(), Error);
}

TEST_CASE("count creates numbered instances") {
    const TestSpec t(R"(
name: t
variables: {n: {type: integer, default: 12}}
resources:
  a: {type: fake.thing, count: "${var.n}", name: "a-${count.index}"}
  b: {type: fake.thing, count: 2, name: "b-${count.index}", value: "${a[count.index + 9].token}"}
  c: {type: fake.thing, name: c, value: "${join(',', a[*].name)}"}
  none: {type: fake.thing, count: 0, name: none}
)");
    CHECK(t.graph->nodes().size() == 15);
    CHECK(config_of(t, "a[10]")["name"] == Value("a-10"));
    const Node& b1 = (*t.graph)[*t.graph->find("b[1]")];
    REQUIRE(b1.deps.size() == 1);
    CHECK((*t.graph)[b1.deps[0]].address == "a[10]");
    CHECK((*t.graph)[*t.graph->find("c")].deps.size() == 12);
}

TEST_CASE("errors about instances say what to do") {
    const auto error = [](const std::string& line) {
        return errors_of("name: t\nresources:\n  b: {type: fake.thing, name: b}\n  a: {type: "
                         "fake.thing, name: a, " +
                         line + "}\n");
    };
    CHECK(error("count: '${length(b.token)}'") ==
          "hadeploy.yaml:4:44: the count is known only after apply (take it from a variable, or "
          "from values in the spec)\n");
    CHECK(error("count: -1") ==
          "hadeploy.yaml:4:41: count: -1 is not between 0 and 100000 (use max(0, ...))\n");
    CHECK(error("count: 1000000000").find("is not between 0 and 100000") != std::string::npos);
    CHECK(error("count: two") == "hadeploy.yaml:4:41: count: expected an integer, got a string\n");
    CHECK(error("count: 1, for_each: [x]").find("both a count and a for_each (for_each names") !=
          std::string::npos);
    CHECK(
        error("for_each: '${toset([b.token])}'").find("known only after apply (use a map whose") !=
        std::string::npos);
    CHECK(error("for_each: ['${b.token}']") ==
          "hadeploy.yaml:4:44: a name in the list of for_each is known only after apply (use a map "
          "whose keys are in the spec; its values can be unknown)\n");
    CHECK(error("for_each: '${range(20000)}'").find("the list has an integer") !=
          std::string::npos);
    CHECK(error("value: '${count.index}'")
              .find("\"count\" is only available in a resource or a module's inputs, with count") !=
          std::string::npos);
    CHECK(error("count: 1, value: '${each.key}'")
              .find("only available in a resource or a module's inputs, with for_each") !=
          std::string::npos);
    CHECK(error("count: 2, value: '${a[0].token}'").find("depends on itself") != std::string::npos);
}

TEST_CASE("variables have validation rules") {
    const char* text = R"(name: t
variables:
  n: {type: integer, default: 4, validate: [{check: "${var.n % 2 == 1}", message: "${var.n} is even"}]}
  m: {type: integer, default: 1, validate: [{check: "${var.m < var.n}", message: never}]}
  s: {secret: true, default: x, validate: {check: "${var.s != 'x'}", message: "not ${var.s}"}}
)";
    CHECK(
        errors_of(text) ==
        "hadeploy.yaml:3:54: variable \"n\": 4 is even\n  hadeploy.yaml:3:31: the value is here\n"
        "hadeploy.yaml:5:52: variable \"s\": (secret)\n  hadeploy.yaml:5:30: the value is here\n");
    CHECK(errors_of("name: t\nvariables: {n: {default: 1, validate: [{check: true}]}}\n") ==
          "hadeploy.yaml:2:41: each rule of validate needs a check and a message (for example: "
          "{check: "
          "\"${var.n % 2 == 1}\", message: n has to be odd})\n");
    CHECK(
        errors_of("name: t\nvariables: {n: {default: 1, validate: [{check: \"${var.n}\", message: "
                  "m}]}}\n") ==
        "hadeploy.yaml:2:49: a check must be a boolean, not an integer (write a comparison, such "
        "as ${self.port > 1024})\n");
}

TEST_CASE("a module's variables have rules too, as far as they are known") {
    const char* module = R"(variables:
  n: {type: integer, validate: [{check: "${var.n > 2}", message: too small}]}
  s: {validate: [{check: "${var.s == 'x'}", message: wrong}]}
)";
    const TestSpec::Files files{{"hadeploy.yaml", R"(name: t
resources: {a: {type: fake.thing, name: a}}
modules: {m: {source: m, with: {n: 1, s: "${a.token}"}}}
)"},
                                {"m/module.yaml", module}};
    CHECK(errors_of(files) == "m/module.yaml:2:42: variable \"n\": too small\n"
                              "  hadeploy.yaml:3:33: the value is here\n");
}

TEST_CASE("an invalid input of a module is reported, not what follows from it in the module") {
    const auto errors = [](const std::string& call, const std::string& other = "") {
        return errors_of(TestSpec::Files{
            {"hadeploy.yaml", "name: t\nmodules: {m: {source: m, with: " + call + "}}\n" + other},
            {"m/module.yaml", R"(variables:
  hosts: {type: map(string), min: 1, validate: {check: "${keys(var.hosts)[0] != 'x'}", message: not x}}
  n: {type: integer, default: 1}
locals: {first: "${keys(var.hosts)[0]}"}
resources:
  a: {type: fake.thing, for_each: "${var.hosts}", name: "${local.first}", size: "${var.n}"}
  b: {type: fake.thing, count: "${var.n}", name: b}
)"}});
    };
    CHECK(errors("{hosts: {}}") ==
          "hadeploy.yaml:2:40: module.m: hosts: 0 entries are below the minimum of 1 entry\n");
    CHECK(errors("{hosts: [a], n: x}") ==
          "hadeploy.yaml:2:40: module.m: hosts: expected a map, got a list\n"
          "hadeploy.yaml:2:48: module.m: n: expected an integer, got the string \"x\"\n");
    CHECK(errors("{hosts: {x: y}}") == "m/module.yaml:2:57: variable \"hosts\": not x\n"
                                       "  hadeploy.yaml:2:33: the value is here\n");
    CHECK(errors("{}") ==
          "hadeploy.yaml:2:11: module \"m\" needs the input \"hosts\" (set it under "
          "`with`: hosts: VALUE)\n  m/module.yaml:2:3: declared here\n");
    CHECK(errors("{hosts: {a: b}, k: 1}").find("has no input \"k\"") != std::string::npos);
    // the instances of a block that failed are not missing inputs
    CHECK(errors("{hosts: \"${c[*].name}\"}",
                 "resources: {c: {type: fake.thing, for_each: 7, name: c}}\n")
              .find("minimum") == std::string::npos);
}

TEST_CASE("the order in which a spec is written changes nothing") {
    std::mt19937 random(7);
    for (int round = 0; round < 50; ++round) {
        const std::size_t count = 2 + random() % 8;
        std::vector<std::string> resources, locals;
        for (std::size_t i = 0; i < count; ++i) {
            // only references to earlier ones, so there are no circles
            std::string value = "x";
            if (i > 0) {
                const auto r = fmt::format("r{}", random() % i);
                switch (random() % 4) {
                case 0: value = fmt::format("${{local.l{}}}", i - 1); break;
                case 1: value = fmt::format("${{join(',', values({}[*].token))}}", r); break;
                case 2:
                    value = fmt::format("${{[for k, v in {} : v.token if k != 'a'][0]}}", r);
                    break;
                default: value = fmt::format("${{{}['b'].token}}", r);
                }
            }
            locals.push_back(fmt::format("  l{}: \"${{r{}[\\\"b\\\"].shout}}\"\n", i, i));
            resources.push_back(fmt::format("  r{0}: {{type: fake.thing, for_each: {1}, name: "
                                            "\"r{0}-${{each.key}}\", value: \"{2}\"}}\n",
                                            i, random() % 2 ? "[a, b]" : "[b, a, c]", value));
        }
        std::string expected;
        for (int shuffle = 0; shuffle < 4; ++shuffle) {
            std::string text = "name: t\nresources:\n";
            for (const std::string& r : resources) text += r;
            text += "locals:\n";
            for (const std::string& l : locals) text += l;
            CAPTURE(text);
            const std::string expansion = addresses(*TestSpec(text.c_str()).graph);
            if (expected.empty()) expected = expansion;
            CHECK(expansion == expected);
            std::shuffle(resources.begin(), resources.end(), random);
            std::shuffle(locals.begin(), locals.end(), random);
        }
    }
}
