#include "planner/plan/make_plan.h"
#include "planner/plan/moves.h"
#include "planner/plan/prior_state.h"
#include "support/project.h"

#include <doctest/doctest.h>

using namespace hadeploy;

namespace {

/// "address: dependency dependency; " of every node.
std::string edges(const Graph& graph) {
    std::string out;
    for (const Node& n : graph.nodes()) {
        out += n.address + ":";
        for (const NodeId d : n.deps) out += " " + graph[d].address;
        out += "; ";
    }
    return out;
}

std::string edges(const TestSpec& t) {
    return edges(*t.graph);
}

Value module_config(const TestSpec& t, const std::string& address) {
    Diagnostics diagnostics;
    const Value out = t.graph->config(
        *t.graph->find(address), [](NodeId) { return Value::unknown(); }, diagnostics);
    for (const Error& e : diagnostics.list()) FAIL_CHECK(e.message);
    return out;
}

/// The errors of a spec and its module m.
std::string module_errors(const std::string& spec, const std::string& module) {
    try {
        const TestSpec t(TestSpec::Files{{"hadeploy.yaml", spec}, {"m/module.yaml", module}});
    } catch (const Error& errors) {
        std::string out;
        for (const Error& e : errors.all())
            out +=
                (out.empty() ? "" : "; ") + e.message + (e.hint.empty() ? "" : " (" + e.hint + ")");
        return out;
    }
    return "none";
}

constexpr const char* kSite = R"(
variables: {name: {type: string}, size: {type: integer, default: 1}}
resources:
  web: {type: fake.thing, name: "${var.name}-web", size: "${var.size}"}
  db: {type: fake.thing, for_each: [x, y], name: "${var.name}-${each.key}", value: "${web.token}"}
outputs:
  url: ${web.token}
  name: ${web.name}
  dbs: ${db[*].token}
)";

} // namespace

TEST_CASE("modules with for_each have an instance for each key") {
    const TestSpec t(TestSpec::Files{{"hadeploy.yaml", R"(
name: t
resources: {base: {type: fake.thing, name: base}}
modules:
  site:
    source: m
    for_each: {a: 3, b: 4}
    with: {name: "site-${each.key}", size: "${each.value}"}
    depends_on: base
)"},
                                     {"m/module.yaml", kSite}});
    CHECK(edges(t) == "base:; module.site[\"a\"].db[\"x\"]: base module.site[\"a\"].web; "
                      "module.site[\"a\"].db[\"y\"]: base module.site[\"a\"].web; "
                      "module.site[\"a\"].web: base; "
                      "module.site[\"b\"].db[\"x\"]: base module.site[\"b\"].web; "
                      "module.site[\"b\"].db[\"y\"]: base module.site[\"b\"].web; "
                      "module.site[\"b\"].web: base; ");
    CHECK(module_config(t, "module.site[\"b\"].web")["name"] == Value("site-b-web"));
    CHECK(module_config(t, "module.site[\"b\"].web")["size"] == Value(4));
    CHECK(module_config(t, "module.site[\"a\"].db[\"y\"]")["name"] == Value("site-a-y"));
}

TEST_CASE("an expression depends only on the module instances and outputs that it uses") {
    const auto deps = [](const std::string& value) {
        const TestSpec t(
            TestSpec::Files{{"hadeploy.yaml", "name: t\nmodules:\n  site: {source: m, for_each: "
                                              "[a, b], with: {name: \"${each.key}\"}}\n"
                                              "resources:\n  z: {type: fake.thing, name: z, "
                                              "value: \"" +
                                                  value + "\"}\n"},
                            {"m/module.yaml", kSite}});
        const std::string all = edges(t);
        return all.substr(all.find("z:"));
    };
    CHECK(deps("${module.site['a'].url}") == "z: module.site[\"a\"].web; ");
    CHECK(deps("${module.site.b.dbs.x}") == "z: module.site[\"b\"].db[\"x\"]; ");
    CHECK(deps("${join(',', values(module.site[*].url))}") ==
          "z: module.site[\"a\"].web module.site[\"b\"].web; ");
    CHECK(deps("${(module.site[*].dbs)['a'].y}") == "z: module.site[\"a\"].db[\"y\"]; ");
    CHECK(deps("${[for k, s in module.site : k][0]}").find("module.site[\"b\"].db[\"x\"]") !=
          std::string::npos);
    CHECK(deps("${length(module.site)}").find("web") != std::string::npos);
}

TEST_CASE("modules with count have numbered instances") {
    const TestSpec t(TestSpec::Files{{"hadeploy.yaml", R"(
name: t
variables: {n: {type: integer, default: 3}}
modules:
  site: {source: m, count: "${var.n}", with: {name: "s${count.index}"}}
  none: {source: m, count: 0, with: {name: none}}
resources:
  last: {type: fake.thing, name: last, value: "${module.site[var.n - 1].url}"}
  all: {type: fake.thing, name: all, value: "${join(',', module.site[*].url)}"}
outputs: {empty: "${module.none[*].url}", names: "${module.site[*].name}"}
)"},
                                     {"m/module.yaml", kSite}});
    CHECK(t.graph->nodes().size() == 11);
    CHECK(module_config(t, "module.site[2].web")["name"] == Value("s2-web"));
    CHECK(edges(t).find("last: module.site[2].web; ") != std::string::npos);
    CHECK(edges(t).find("all: module.site[0].web module.site[1].web module.site[2].web; ") !=
          std::string::npos);
    Diagnostics diagnostics;
    const Value outputs = t.graph->outputs(
        [](NodeId) {
            return Value::map({{"name", "n"}});
        },
        diagnostics);
    CHECK(outputs["empty"] == Value::list({}));
    CHECK(outputs["names"] == Value::list({"n", "n", "n"}));
}

TEST_CASE("modules nest, and their keys can come from other modules") {
    const TestSpec t(TestSpec::Files{{"hadeploy.yaml", R"(
name: t
resources: {node: {type: fake.thing, for_each: [n1, n2], name: "${each.key}"}}
modules:
  region:
    source: region
    for_each: ${node[*].token}
    with: {name: "${each.key}", token: "${each.value}"}
outputs: {deep: "${module.region['n2'].site.s.url}"}
)"},
                                     {"region/module.yaml", R"(
variables: {name: {}, token: {}}
modules:
  site: {source: ../m, for_each: [s], with: {name: "${var.name}-${each.key}"}}
resources: {own: {type: fake.thing, name: "${var.name}", value: "${var.token}"}}
outputs: {site: "${module.site}"}
)"},
                                     {"m/module.yaml", kSite}});
    CHECK(module_config(t, "module.region[\"n2\"].module.site[\"s\"].db[\"x\"]")["name"] ==
          Value("n2-s-x"));
    CHECK(edges(t).find("module.region[\"n2\"].own: node[\"n2\"]; ") != std::string::npos);
}

TEST_CASE("a module's file is read only once") {
    const TestSpec t(TestSpec::Files{{"hadeploy.yaml", R"(
name: t
modules:
  a: {source: m, with: {name: a}}
  b: {source: m, with: {name: b}}
)"},
                                     {"m/module.yaml", kSite}});
    CHECK(t.spec.sources.files().size() == 2);
    CHECK(t.spec.root.modules[0].module == t.spec.root.modules[1].module);
    CHECK(module_config(t, "module.b.web")["name"] == Value("b-web"));
}

TEST_CASE("unknown instances and names of modules are errors") {
    const auto with = [](const std::string& call, const std::string& more = "") {
        return module_errors(
            "name: t\nresources: {a: {type: fake.thing, name: a}}\nmodules: {site: "
            "{source: m, " +
                call + ", with: {name: x}}}\n" + more,
            kSite);
    };
    CHECK(with("for_each: '${[a.token]}'")
              .starts_with("a name in the list of for_each is known "
                           "only after apply (use a map"));
    CHECK(with("count: '${length(a.token)}'").starts_with("the count is known only after apply"));
    CHECK(with("count: 1, for_each: [x]")
              .starts_with("a module can't have both a count and a for_each (for_each names"));
    CHECK(with("for_each: '${module.site[*].url}'") ==
          "the number of instances of \"site\" depends on itself (calculate `count` or `for_each` "
          "from variables, locals or other blocks)");
    CHECK(with("for_each: [x, x]") ==
          "for_each has \"x\" twice (each instance needs a unique name)");
    CHECK(with("for_each: [x]", "outputs: {o: \"${module.site['y'].url}\"}\n") ==
          "module.site has no \"y\" (it has: x)");
    CHECK(with("for_each: [x]", "outputs: {o: \"${module.site['x'].ulr}\"}\n") ==
          "module \"site\" has no output \"ulr\" (did you mean \"url\"?)");
    CHECK(with("for_each: [x]", "outputs: {o: \"${module.site[*].ulr}\"}\n") ==
          "module \"site\" has no output \"ulr\" (did you mean \"url\"?)");
    CHECK(with("count: 1", "outputs: {o: \"${module.site.url}\"}\n") ==
          "module \"site\" has a count: which one is meant? (for example module.site[0].url, or "
          "module.site[*].url for all of them)");
    CHECK(module_errors("name: t\nmodules: {site: {source: m, with: {name: \"${each.key}\"}}}\n",
                        kSite)
              .find("only available in a resource or a module's inputs, with for_each") !=
          std::string::npos);
    // a module without instances is checked too
    CHECK(module_errors("name: t\nmodules: {m: {source: m, count: 0}}\n",
                        "resources: {a: {type: fake.thing, name: \"${var.x}\"}}\n") ==
          "there is no variable \"x\"");
}

TEST_CASE("moves to and from instances, of resources and of modules") {
    const auto moved = [](std::vector<std::string> addresses, std::vector<Move> moves) {
        PriorState prior;
        for (const std::string& a : addresses) prior.recorded[a] = {.address = a};
        std::string out;
        for (const auto& [address, r] : with_moves(std::move(prior), moves).recorded)
            out += address + " ";
        return out;
    };
    CHECK(moved({"module.site.web", "module.site.db[\"x\"]"},
                {{"module.site", "module.site[\"a\"]", {}}}) ==
          "module.site[\"a\"].db[\"x\"] module.site[\"a\"].web ");
    // already moved, with another instance created since
    CHECK(moved({"module.site[\"a\"].web", "module.site[\"b\"].web"},
                {{"module.site", "module.site[\"a\"]", {}}}) ==
          "module.site[\"a\"].web module.site[\"b\"].web ");
    CHECK(moved({"r", "r[\"y\"]"}, {{"r", "r[\"x\"]", {}}}) == "r[\"x\"] r[\"y\"] ");
    CHECK(moved({"module.site[0].web", "module.site[1].web"},
                {{"module.site[0]", "module.site[\"a\"]", {}},
                 {"module.site[1]", "module.other", {}}}) ==
          "module.other.web module.site[\"a\"].web ");
    CHECK(moved({"module.a.web"}, {{"module.a", "module.a.module.b", {}}}) ==
          "module.a.module.b.web ");
    // the spec can have other instances than the target of the move
    const TestSpec t(TestSpec::Files{
        {"hadeploy.yaml", "name: t\nmoved: [{from: module.site, to: 'module.site[\"a\"]'}]\n"
                          "modules: {site: {source: m, for_each: [a, b], with: {name: "
                          "\"${each.key}\"}}}\n"},
        {"m/module.yaml", kSite}});
    PriorState prior{.lineage = "00000000-0000-4000-8000-000000000000"};
    for (const Node& n : t.graph->nodes()) prior.observed[n.address] = Observation::absent();
    CHECK(make_plan(*t.graph, prior, t.settings).steps.size() == 6);
}
