#include "cli/render/errors.h"
#include "cli/render/plan_json.h"
#include "cli/render/plan_text.h"
#include "golden.h"
#include "planner/plan/make_plan.h"
#include "planner/plan/moves.h"
#include "planner/plan/prior_state.h"
#include "planner/plan/reads.h"
#include "planner/plan/refresh_plan.h"
#include "planner/plan/removal.h"
#include "support/project.h"

using namespace hadeploy;
using namespace hadeploy::cli;
using namespace hadeploy::test;

namespace {

constexpr const char* kGuarded = R"(name: t
resources:
  a: {type: fake.thing, name: a, lifecycle: {prevent_destroy: true}}
)";

/// The text and JSON of plans, under titles.
struct Page {
    std::string text;
    nlohmann::json json = nlohmann::json::object();

    void add(const std::string& title, const Plan& plan) {
        text += "== " + title + "\n" + render_plan(plan, {}) + "\n";
        json[title] = plan_json(plan);
    }
    /// Plans `spec`; errors are shown with their places.
    void plan(const std::string& title, const char* spec, const PriorState& prior,
              const PlanOptions& options = {}) {
        const TestSpec t(spec);
        try {
            PriorState moved = with_moves(prior, t.spec.moved);
            for (const auto& [from, to] : moved.moved) moved.observed[to] = prior.observed.at(from);
            add(title, options.refresh_only ? make_refresh_plan(*t.graph, prior, options)
                       : options.destroy    ? make_destroy_plan(prior, t.registry, options)
                                            : make_plan(*t.graph, moved, t.settings, options));
        } catch (const Error& errors) {
            text += "== " + title + "\n" + render_errors(errors.all(), t.spec.sources, {}) + "\n";
            json[title] = nlohmann::json::array();
            for (const Error& e : errors.all())
                json[title].push_back(error_json(e, t.spec.sources));
        }
    }
    void check(const std::string& name) const {
        check_golden("tests/cli/golden/" + name + ".txt", text);
        check_golden("tests/cli/golden/" + name + ".json", json.dump(2) + "\n");
    }
};

} // namespace

TEST_CASE("every action in the plan of a real spec") {
    const char* before = R"(name: t
resources:
  m: {type: fake.machine, name: m}
  on_m: {type: fake.thing, name: on_m, host: "${m.connection}"}
  keep: {type: fake.thing, name: keep, value: "one\ntwo\nthree\n", labels: {a: "1", b: "2"}}
  size: {type: fake.thing, name: size}
  gone: {type: fake.thing, name: gone}
  lost: {type: fake.thing, name: lost}
)";
    const char* after = R"(name: t
resources:
  m: {type: fake.machine, name: m}
  on_m: {type: fake.thing, name: on_m, host: "${m.connection}"}
  keep: {type: fake.thing, name: keep, value: "one\n2\nthree\n", labels: {a: "1", c: "3"}}
  size: {type: fake.thing, name: size, size: 2}
  fresh: {type: fake.thing, name: fresh, value: "${size.token}", secret: hunter2}
  found: {type: fake.adoptable, name: found}
outputs: {token: "${fresh.token}"}
)";
    PriorState prior = drifted(as_applied(before), "m", "running", false);
    prior.observed.erase("on_m");
    prior.observed["lost"] = Observation::absent();
    prior.observed["fresh"] = Observation::absent();
    prior.observed["found"] = Observation::present(Value::map({{"name", "found"}, {"size", 1}}));
    Page page;
    page.plan("create, update, replace, read, remove, forget, adopt", after, prior);
    page.plan("refresh", before, drifted(prior, "keep", "value", "one\nother\nthree\n"),
              {.refresh_only = true});
    page.plan("destroy", before, as_applied(before), {.destroy = true});
    page.plan("nothing to do", before, as_applied(before));
    PriorState tainted = as_applied(before);
    tainted.recorded["size"].tainted = true;
    page.plan("taint", before, tainted);
    page.plan("--replace", before, as_applied(before), {.replace = {"size"}});
    PriorState gone = as_applied(before);
    gone.observed["size"] = Observation::absent();
    page.plan("what is gone is made again", before, gone);
    page.plan("refresh: what is gone", before, gone, {.refresh_only = true});
    page.plan("another type", "name: t\nresources: {a: {type: fake.note, text: x}}\n",
              as_applied("name: t\nresources: {a: {type: fake.thing, name: a}}\n"));
    gone.unfinished.insert("size");
    page.plan("what an earlier run did not get to make", before, gone);
    CHECK(page.text.find("hunter2") == std::string::npos);
    page.check("actions");
}

TEST_CASE("imports and data sources in a plan") {
    const PriorState nothing{.lineage = "00000000-0000-4000-8000-000000000000"};
    const auto seen = [&](const char* address, Observation observation) {
        PriorState prior = nothing;
        prior.observed[address] = std::move(observation);
        return prior;
    };
    const Value there =
        Value::map({{"name", "a"}, {"value", "there"}, {"shout", "there!"}, {"size", 1}});
    const char* import =
        "name: t\nimport: [{to: a, id: theirs}]\nresources:\n  a: {type: fake.thing, "
        "name: a, value: there}\n";
    Page page;
    page.plan("import", import, seen("a", Observation::present(there)));
    page.plan("import, and repaired", import,
              seen("a", Observation::present(there.with("value", "x").with("shout", "x!"))));
    page.plan("import: it would be replaced", import,
              seen("a", Observation::present(there.with("size", 2))));
    page.plan("import: nothing is there", import, seen("a", Observation::absent()));
    Observation foreign = Observation::present(there);
    foreign.foreign = "made by hand";
    page.plan("import: another one is there", import, seen("a", foreign));
    page.plan("import: without its ID",
              "name: t\nimport: [{to: a}]\nresources:\n  a: {type: "
              "fake.thing, name: a}\n",
              seen("a", foreign));
    page.plan("import: the object can't be read yet", import, nothing);
    page.plan("import: onto a machine that is still to be made",
              "name: t\nimport: [{to: a, id: theirs}]\nresources:\n  m: {type: fake.machine, name: "
              "m}\n  a: {type: fake.thing, name: a, host: \"${m.connection}\"}\n",
              seen("m", Observation::absent()));
    page.plan("import: of what the spec does not have",
              "name: t\nimport: [{to: aa, id: theirs}]\nresources: {a: {type: fake.thing, name: "
              "a}}\n",
              seen("a", Observation::absent()));
    page.plan("import: of a type that has no ID",
              "name: t\nimport: [{to: a, id: theirs}]\nresources: {a: {type: fake.adoptable, name: "
              "a}}\n",
              seen("a", Observation::absent()));

    const char* data = R"(name: t
data:
  now: {type: fake.look, name: known}
  later: {type: fake.look, name: "${a.token}"}
  waits: {type: fake.look, name: known, depends_on: [a]}
resources:
  a: {type: fake.thing, name: a, value: "${data.now.value}"}
  b: {type: fake.thing, name: b, value: "${data.later.value}"}
)";
    PriorState prior =
        seen("data.now", Observation::present(Value::map({{"name", "known"}, {"value", "v"}})));
    prior.observed["a"] = prior.observed["b"] = Observation::absent();
    page.plan("data sources, read in the plan or in apply", data, prior);
    Observation failed = Observation::failed(Error(ErrorKind::failed, "no answer"));
    failed.attributes = Value::map({{"name", "known"}}); // the config of the read
    page.plan("a data source that can't be read",
              "name: t\ndata: {now: {type: fake.look, name: known}}\n", seen("data.now", failed));
    page.check("imports");
}

TEST_CASE("every lifecycle rule in a plan") {
    Page page;
    const PriorState guarded = as_applied(kGuarded);
    page.plan("prevent_destroy: replaced",
              "name: t\nresources:\n  a: {type: fake.thing, name: a, size: 2, lifecycle: "
              "{prevent_destroy: true}}\n",
              guarded);
    page.plan("prevent_destroy: requested with --replace", kGuarded, guarded, {.replace = {"a"}});
    page.plan("prevent_destroy: its block is gone", "name: t\n", guarded);
    page.plan("prevent_destroy: destroy", kGuarded, guarded, {.destroy = true});
    page.plan("prevent_destroy: lifted",
              "name: t\nresources:\n  a: {type: fake.thing, name: a, size: 2, lifecycle: "
              "{prevent_destroy: false}}\n",
              guarded);

    const char* ignoring = "name: t\nresources:\n  a: {type: fake.thing, name: a, value: mine, "
                           "labels: {x: y}, lifecycle: {ignore_changes: [labels]}}\n";
    const PriorState ignored =
        drifted(as_applied(ignoring), "a", "labels", Value::map({{"x", "z"}}));
    page.plan("ignore_changes: what is ignored", ignoring, ignored);
    page.plan("ignore_changes: what is not", ignoring,
              drifted(drifted(ignored, "a", "value", "theirs"), "a", "shout", "theirs!"));

    const char* triggered = "name: t\nresources:\n  a: {type: fake.thing, name: a, value: one}\n  "
                            "b: {type: fake.thing, name: b, lifecycle: {replace_triggered_by: "
                            "[a]}}\n";
    page.plan("replace_triggered_by", triggered,
              drifted(as_applied(triggered), "a", "value", "other"));

    const auto first = [](int size) {
        return fmt::format("name: t\nresources:\n  a: {{type: fake.thing, name: a{0}, size: {0}, "
                           "lifecycle: {{create_before_destroy: true}}}}\n  b: {{type: fake.thing, "
                           "name: b, value: \"${{a.token}}\"}}\n",
                           size);
    };
    page.plan("create_before_destroy", first(2).c_str(), as_applied(first(1).c_str()));
    page.plan("create_before_destroy: a name that only one can have",
              "name: t\nresources:\n  a: {type: fake.thing, name: a1, size: 2, lifecycle: "
              "{create_before_destroy: true}}\n",
              as_applied(first(1).c_str()));
    page.plan("ignore_changes: all",
              "name: t\nresources:\n  a: {type: fake.thing, name: a, value: other, size: 2, "
              "lifecycle: {ignore_changes: all}}\n",
              guarded);

    page.plan("preconditions",
              "name: t\nvariables: {n: {type: integer, default: 2}}\nresources:\n  a:\n    type: "
              "fake.thing\n    name: a\n    lifecycle:\n      preconditions:\n        - {check: "
              "\"${var.n > 2}\", message: \"${var.n} is too few\"}\n",
              PriorState{.lineage = guarded.lineage});

    page.plan(
        "postconditions",
        "name: t\nresources:\n  a:\n    type: fake.thing\n    name: a\n    lifecycle:\n      "
        "postconditions:\n        - {check: \"${self.size > 1}\", message: \"${self.name} has "
        "but ${self.size}\"}\n",
        PriorState{.lineage = guarded.lineage, .observed = {{"a", Observation::absent()}}});

    const char* two = "name: t\nresources:\n  a: {type: fake.thing, name: a}\n  b: {type: "
                      "fake.thing, name: b}\n";
    page.plan("removed", "name: t\nremoved: [a]\nresources:\n  b: {type: fake.thing, name: b}\n",
              as_applied(two));
    page.plan("moved",
              "name: t\nmoved: [{from: a, to: c}]\nresources:\n  c: {type: fake.thing, name: a, "
              "value: new}\n  b: {type: fake.thing, name: b}\n",
              as_applied(two));
    page.plan("moved, and nothing else",
              "name: t\nmoved: [{from: a, to: c}]\nresources:\n  c: {type: fake.thing, name: a}\n"
              "  b: {type: fake.thing, name: b}\n",
              as_applied(two));
    page.plan("a target",
              "name: t\nresources:\n  a: {type: fake.thing, name: a, value: new}\n  b: {type: "
              "fake.thing, name: b, value: new}\n",
              as_applied(two), {.targets = {"b"}});
    page.check("lifecycle");
}
