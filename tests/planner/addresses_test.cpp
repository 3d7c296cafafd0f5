#include "planner/plan/import.h"
#include "planner/plan/make_plan.h"
#include "planner/plan/moves.h"
#include "planner/plan/prior_state.h"
#include "planner/planned.h"
#include "planner/spec/address.h"
#include "planner/spec/variables.h"

#include <doctest/doctest.h>

using namespace hadeploy;

namespace {
constexpr const char* kThings = R"(resources:
  a: {type: fake.thing, name: a}
  c: {type: fake.thing, name: c}
  many: {type: fake.thing, for_each: [x, y], name: "many-${each.key}"}
  some: {type: fake.thing, count: 2, name: "some-${count.index}"}
)";

std::string errors_with(const std::string& section) {
    return errors_of("name: t\n" + section + "\n" + kThings);
}

/// The plan after the moves of the spec, in a prior state with everything of `before`.
std::string moved(const std::string& before, const std::string& after) {
    try {
        const TestSpec t(after.c_str());
        PriorState prior = made(before);
        const auto observed = prior.observed;
        prior = with_moves(std::move(prior), t.spec.moved);
        for (const auto& [from, to] : prior.moved) prior.observed[to] = observed.at(from);
        return planned(after, prior);
    } catch (const Error& errors) {
        return errors.message + " (" + errors.hint + ")";
    }
}

/// "address=id" of all imports.
std::string imports(const std::string& text, const VariableValues& variables = {}) {
    std::string out;
    try {
        const TestSpec t({{"hadeploy.yaml", text}}, variables);
        for (const auto& [address, import] : t.graph->imports())
            out += fmt::format("{}={} ", address, import.id);
    } catch (const Error& errors) {
        for (const Error& e : errors.all()) out += e.message + " (" + e.hint + ")\n";
    }
    return out;
}
} // namespace

TEST_CASE("addresses are split into parts") {
    const auto parts = [](const char* text) {
        std::string out;
        for (const AddressPart& p : parts_of_address(text))
            out += fmt::format("{}|{}{}; ", p.name, p.indexed ? "#" : "", p.key);
        return out;
    };
    CHECK(parts("a") == "a|; ");
    CHECK(parts("module.m[\"x.y\"].module.n[3].a-b[\"k\"]") ==
          "module.m|x.y; module.n|#3; a-b|k; ");
    for (const char* broken : {"", "module", "module.", "a[", "a[x]", "a[\"x\"", "a.b", "1a", "a ",
                               "data.x", "module.m.", "a[]"})
        CHECK_MESSAGE(parts(broken) == "", broken);
}

TEST_CASE("moved: checks without a state") {
    CHECK(errors_with("moved: [{from: b, to: a}, {from: b, to: c}]") ==
          "hadeploy.yaml:2:34: moved: b is moved twice (keep the move to the current name of the "
          "block)\n  hadeploy.yaml:2:16: first here\n");
    CHECK(
        errors_with("moved: [{from: b, to: a}, {from: d, to: a}]") ==
        "hadeploy.yaml:2:41: moved: two moves lead to a (only one object can have an address: "
        "keep the move of the object that exists)\n  hadeploy.yaml:2:23: the other one is here\n");
    CHECK(errors_with("moved: [{from: b, to: d}, {from: d, to: b}, {from: e, to: a}]") ==
          "hadeploy.yaml:2:16: moved: these moves form a cycle (`to` must be the current name of "
          "a block)\n  hadeploy.yaml:2:16: b becomes d\n  hadeploy.yaml:2:34: d becomes b\n");
    CHECK(errors_with("moved: [{from: b, to: b}]") ==
          "hadeploy.yaml:2:16: moved: b is moved to itself (delete the move)\n");
    CHECK(errors_with("moved: [{from: \"${'b'}\", to: a}]") ==
          "hadeploy.yaml:2:17: moved: an address can't be an expression (for "
          "example: web, web[\"a\"], web[0], module.site[\"a\"].web)\n");
    CHECK(errors_with("moved: [{from: b, to: 'a[x]'}]").find("\"a[x]\" is not an address") !=
          std::string::npos);
    CHECK(errors_with("moved: [{from: data.b, to: a}]")
              .find("the state does not record data sources") != std::string::npos);
    CHECK(errors_with("moved: [{from: module.b, to: a}]") ==
          "hadeploy.yaml:2:16: moved: module.b is a module, but a is not (a module becomes a "
          "module: module.NAME)\n");
    CHECK(errors_with("moved: [{from: b, to: d}]") ==
          "hadeploy.yaml:2:23: moved: b can't become d: the spec has no d (`to` is the current "
          "name of the block; delete the move if the spec no longer has it)\n");
    CHECK(errors_with("moved: [{from: b, to: module.m.a}]").find("the spec has no module.m") !=
          std::string::npos);
    CHECK(errors_with("moved: [{from: b, to: mani}]").find("did you mean many?") !=
          std::string::npos);
    CHECK(errors_with("moved: [{from: b, to: 'a[\"x\"]'}]").find("a has no for_each") !=
          std::string::npos);
    CHECK(errors_with("moved: [{from: b, to: 'many[0]'}]").find("many has no count") !=
          std::string::npos);
    CHECK(errors_with("moved: [{from: b, to: 'some[0]'}, {from: e, to: d}, {from: d, to: "
                      "'many[\"x\"]'}]") == "");
}

TEST_CASE("moved: the moves of a chain are made in order") {
    const std::string before = "name: t\nresources: {a: {type: fake.thing, name: a}}\n";
    const std::string after = "\nresources: {c: {type: fake.thing, name: a}}\n";
    CHECK(moved(before, "name: t\nmoved: [{from: a, to: b}, {from: b, to: c}]" + after) == "");
    CHECK(moved(before, "name: t\nmoved: [{from: b, to: c}, {from: a, to: b}]" + after) == "");
}

TEST_CASE("moved: to another type, to no instance") {
    const std::string before = "name: t\nresources: {a: {type: fake.thing, name: a}}\n";
    const std::string to_c = "name: t\nmoved: [{from: a, to: c}]\n";
    CHECK(moved(before, to_c + "resources: {c: {type: fake.adoptable, name: a}}\n") ==
          "moved: a is a fake.thing, but c is a fake.adoptable; ");
    CHECK(moved(before, to_c + "resources: {c: {type: fake.thing, count: 1, name: a}}\n") ==
          "moved: a can't become c: the target has instances; ");
    CHECK(moved(before, to_c + "resources: {c: {type: fake.thing, count: 0, name: a}}\n") ==
          "moved: a can't become c: the spec has no such instance; ");
    CHECK(moved(before, "name: t\nmoved: [{from: a, to: 'c[1]'}]\nresources: {c: {type: "
                        "fake.thing, count: 1, name: a}}\n") ==
          "moved: a can't become c[1]: the spec has no such instance; ");
    CHECK(moved(before, "name: t\nmoved: [{from: a, to: 'c[0]'}]\nresources: {c: {type: "
                        "fake.thing, count: 1, name: a}}\n") == "");
}

TEST_CASE("removed: invalid entries are errors") {
    CHECK(errors_with("removed: [b, b]") ==
          "hadeploy.yaml:2:14: removed: b is listed twice (one entry is enough)\n"
          "  hadeploy.yaml:2:11: first here\n");
    CHECK(errors_with("removed: ['b[']").find("\"b[\" is not an address") != std::string::npos);
    CHECK(errors_with("removed: [\"${'b'}\"]").find("removed: an address can't be an expression") !=
          std::string::npos);
    CHECK(errors_with("removed: [b]\nmoved: [{from: b, to: a}]") ==
          "hadeploy.yaml:2:11: b is both removed and moved (moves are made first: list the new "
          "address under `removed:`)\n  hadeploy.yaml:3:16: b becomes a\n");
    // a move of a part out of a module precedes the removal of the rest
    CHECK(errors_with("removed: [module.b]\nmoved: [{from: module.b.x, to: a}]") == "");
}

TEST_CASE("replace_triggered_by: invalid entries are errors") {
    const auto error = [](const std::string& entries) {
        return errors_of("name: t\nresources:\n  a: {type: fake.thing, name: a, lifecycle: "
                         "{replace_triggered_by: [" +
                         entries +
                         "]}}\n  b: {type: fake.thing, for_each: [x, y], name: \"${each.key}\"}\n"
                         "data: {d: {type: fake.look, name: d}}\n");
    };
    const std::string at = "hadeploy.yaml:3:69: replace_triggered_by: ";
    CHECK(error("b") == "");
    CHECK(error("'b[\"x\"]'") == "");
    CHECK(error("a") == at + "a can't trigger itself (name another resource)\n");
    CHECK(error("b, b") == "hadeploy.yaml:3:72: replace_triggered_by: b is listed twice (one entry "
                           "is enough)\n  hadeploy.yaml:3:69: first here\n");
    CHECK(
        error("\"${b}\"")
            .find(
                "an address can't be an expression; only its keys can (write the key in brackets, "
                "without ${}: web[each.key])") != std::string::npos);
    CHECK(error("'b['").find("is not an address") != std::string::npos);
    CHECK(error("var.v") == at + "nothing here is called \"var.v\" (it takes resources, instances "
                                 "and modules; to react to a single value, put the value in a "
                                 "local.value, and name that resource)\n");
    CHECK(error("b.token").find("to react to a single value") != std::string::npos);
    CHECK(error("data.d") == at + "a data source is only read, so it never changes (put its value "
                                  "in a local.value, and name that resource)\n");
    CHECK(error("c") == at + "nothing here is called \"c\" (there are: a, b, data.d)\n");
    CHECK(error("'b[\"z\"]'").find("there is no instance z (name an instance that the spec has)") !=
          std::string::npos);
    CHECK(error("'b[each.key]'").find("\"each\" is only available in") != std::string::npos);
    CHECK(error("'b[data.d.value]'").find("replace_triggered_by can't depend on data.d") !=
          std::string::npos);
    CHECK(error("'module.b[\"x\"]'").find("nothing here is called") != std::string::npos);
}

TEST_CASE("replace_triggered_by: one instance, and a resource in a module") {
    const auto text = [](const char* value) {
        return TestSpec::Files{
            {"hadeploy.yaml",
             fmt::format("name: t\nvariables: {{v: {{default: {}}}}}\nresources:\n"
                         "  s: {{type: fake.thing, for_each: [x, y], name: \"s-${{each.key}}\", "
                         "value: \"${{each.key == 'x' ? var.v : 'same'}}\"}}\n"
                         "  r: {{type: fake.thing, for_each: [x, y], name: \"r-${{each.key}}\", "
                         "lifecycle: {{replace_triggered_by: ['s[each.key]']}}}}\n"
                         "  n: {{type: fake.thing, count: 2, name: \"n-${{count.index}}\", "
                         "lifecycle: {{replace_triggered_by: ['module.m[count.index].t']}}}}\n"
                         "  all: {{type: fake.thing, name: all, lifecycle: {{replace_triggered_by: "
                         "['module.m[1]']}}}}\n"
                         "modules: {{m: {{source: m, count: 2, with: {{v: \"${{count.index == 1 ? "
                         "var.v : 'same'}}\"}}}}}}\n",
                         value)},
            {"m/module.yaml", "variables: {v: {}}\nresources:\n  t: {type: fake.thing, name: "
                              "\"t-${var.v}\", value: \"${var.v}\"}\n  u: {type: fake.thing, name: "
                              "\"u-${var.v}\"}\n"}};
    };
    const PriorState prior = made(TestSpec(text("one")));
    const TestSpec changed(text("two"));
    CHECK(summary(make_plan(*changed.graph, prior, changed.settings)) ==
          "update s[\"x\"] (value,shout); replace r[\"x\"]; "
          "replace module.m[1].t (name,value,shout); replace module.m[1].u (name); "
          "replace n[1]; replace all");
}

TEST_CASE("a circle is reported with its lines") {
    CHECK(errors_of("name: t\nresources:\n  a: {type: fake.thing, name: a, depends_on: [b]}\n"
                    "  b: {type: fake.thing, name: b, lifecycle: {replace_triggered_by: [c]}}\n"
                    "  c: {type: fake.thing, name: c, value: \"${a.token}\"}\n") ==
          "hadeploy.yaml:3:3: 3 resources depend on each other in a cycle\n"
          "  hadeploy.yaml:3:47: a needs b\n"
          "  hadeploy.yaml:4:69: b needs c\n"
          "  hadeploy.yaml:5:3: c needs a\n");
    try {
        const TestSpec t(TestSpec::Files{
            {"hadeploy.yaml", "name: t\nmodules:\n  a: {source: m, depends_on: "
                              "[module.b]}\n  b: {source: m, depends_on: [module.a]}\n"},
            {"m/module.yaml", "resources: {x: {type: fake.thing, name: x}}\n"}});
        FAIL("a circle");
    } catch (const Error& errors) {
        REQUIRE(errors.notes.size() == 2);
        CHECK(errors.notes[0].loc == Loc{3, 31, 0});
        CHECK(errors.notes[1].loc == Loc{4, 31, 0});
    }
}

TEST_CASE("import: for_each and expressions over variables") {
    const std::string things = "\nresources: {a: {type: fake.thing, for_each: [x, y], name: "
                               "\"${each.key}\"}, b: {type: fake.thing, name: b}}\n"
                               "variables: {ids: {default: {x: id-x, y: id-y}}, s: {secret: true, "
                               "default: s}}\n";
    CHECK(imports("name: t\nimport: [{to: 'a[each.key]', id: \"${each.value}\", for_each: "
                  "\"${var.ids}\"}, {to: b, id: \"of-${length(var.ids)}\"}]" +
                  things) == "a[\"x\"]=id-x a[\"y\"]=id-y b=of-2 ");
    CHECK(imports("name: t\nimport: [{to: 'a[each.value]', for_each: [x, y]}, {to: b, id: i}]" +
                  things) == "a[\"x\"]= a[\"y\"]= b=i ");
    CHECK(imports("name: t\nimport: [{to: b, id: i, for_each: [x, y]}]" + things) ==
          "\"b\" is imported twice (use each.key in the address: to: 'web[each.key]')\n");
    CHECK(imports("name: t\nimport: [{to: b, id: i}, {to: b, id: j}]" + things) ==
          "\"b\" is imported twice (remove one of the two entries)\n");
    CHECK(imports("name: t\nimport: [{to: b, id: \"${a['x'].token}\"}]" + things)
              .find("import: the id can't depend on a") != std::string::npos);
    CHECK(imports("name: t\nimport: [{to: b, id: \"${var.s}\"}]" + things)
              .find("can't depend on a secret") != std::string::npos);
    CHECK(imports("name: t\nimport: [{to: b, id: \"${1 + 1}\"}]" + things)
              .find("the id is a string, not an integer") != std::string::npos);
    CHECK(imports("name: t\nimport: [{to: 'a[var.ids]'}]" + things)
              .find("expected a key or an index in brackets, got a map") != std::string::npos);
    CHECK(imports("name: t\nimport: [{to: 'a[\"${each.key}\"]', for_each: [x]}]" + things)
              .find("an address can't be an expression; only its keys can") != std::string::npos);
    CHECK(imports("name: t\nimport: [{to: 'a[each.key]', for_each: 1}]" + things)
              .find("for_each needs a map or a list of names") != std::string::npos);
    // an import on the command line takes precedence
    TestSpec t(("name: t\nimport: [{to: b, id: i}]" + things).c_str());
    t.spec.imports["b"] = {"asked", {}};
    CHECK(t.graph->import_of("b")->id == "asked");
    CHECK(t.graph->imports().at("b").id == "asked");
    CHECK(t.graph->import_of("nothing") == nullptr);
}
