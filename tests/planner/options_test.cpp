#include "planner/plan/make_plan.h"
#include "planner/plan/moves.h"
#include "planner/plan/output_changes.h"
#include "planner/plan/prior_state.h"
#include "planner/plan/reads.h"
#include "planner/plan/refresh_plan.h"
#include "planner/plan/removal.h"
#include "planner/plan/selection.h"
#include "planner/plan/why.h"
#include "planner/spec/address.h"
#include "support/project.h"

#include <doctest/doctest.h>

using namespace hadeploy;

namespace {

constexpr const char* kSpec = R"(name: t
resources:
  a: {type: fake.thing, name: a, value: one}
  b: {type: fake.thing, name: b, value: "${a.token}"}
  c: {type: fake.thing, name: c, value: three}
  d: {type: fake.thing, for_each: [x, y], name: "${each.key}"}
outputs: {b: "${b.token}", c: "${c.token}"}
)";

/// "create a; update b", or the error with its hint.
std::string planned_with(const char* text, const PriorState& prior, const PlanOptions& options) {
    try {
        const TestSpec t(text);
        if (options.destroy) return summary(make_destroy_plan(prior, t.registry, options));
        return summary(make_plan(*t.graph, prior, t.settings, options));
    } catch (const Error& errors) {
        std::string out;
        for (const Error& e : errors.all()) out += e.message + " (" + e.hint + "); ";
        return out;
    }
}

PriorState nothing(const char* text) {
    PriorState prior{.lineage = "00000000-0000-4000-8000-000000000000"};
    const TestSpec t(text);
    for (const Node& n : t.graph->nodes()) prior.observed[n.address] = Observation::absent();
    return prior;
}

Value attribute(const PriorState& prior, const std::string& address, std::string_view name) {
    return prior.recorded.at(address).attributes[name];
}

void drift(PriorState& prior, const std::string& address, std::string_view name, Value value) {
    Observation& o = prior.observed.at(address);
    o.attributes = o.attributes.with(name, std::move(value));
}

} // namespace

TEST_CASE("a target includes its dependencies, and nothing else") {
    const PriorState prior = nothing(kSpec);
    CHECK(planned_with(kSpec, prior, {.targets = {"b"}}) == "create a; create b");
    CHECK(planned_with(kSpec, prior, {.targets = {"a"}}) == "create a");
    CHECK(planned_with(kSpec, prior, {.targets = {"d"}}) == "create d[\"x\"]; create d[\"y\"]");
    CHECK(planned_with(kSpec, prior, {.targets = {"d[\"y\"]", "c"}}) ==
          "create c; create d[\"y\"]");
    const char* nested = R"(name: t
resources: {a: {type: fake.thing, name: a}}
modules: {m: {source: m}}
)";
    const TestSpec t(
        TestSpec::Files{{"hadeploy.yaml", nested},
                        {"m/module.yaml", "resources: {b: {type: fake.thing, name: b}}\n"}});
    PriorState empty{.lineage = "00000000-0000-4000-8000-000000000000"};
    for (const Node& n : t.graph->nodes()) empty.observed[n.address] = Observation::absent();
    const Plan plan = make_plan(*t.graph, empty, t.settings, {.targets = {"module.m"}});
    CHECK(summary(plan) == "create module.m.b");
    CHECK(plan.partial);
    CHECK(plan.notices ==
          std::vector<std::string>{"this plan is partial: only module.m and dependencies"});
}

TEST_CASE("a target that matches nothing is an error") {
    const PriorState prior = as_applied(kSpec);
    CHECK(planned_with(kSpec, prior, {.targets = {"dd", "b", "nothing"}}) ==
          "--target dd: spec and state have no such resource or module (did you mean d?); --target "
          "nothing: spec and state have no such resource or module (`hadeploy state list` and "
          "`hadeploy graph` show all addresses); ");
    CHECK(planned_with(kSpec, prior, {.targets = {"d[\"z\"]"}})
              .find("(there are: 'd[\"x\"]', 'd[\"y\"]')") != std::string::npos);
    CHECK(planned_with(kSpec, prior, {.targets = {"d[nothing]"}})
              .find("(there are: 'd[\"x\"]', 'd[\"y\"]')") != std::string::npos);
    CHECK(planned_with(kSpec, prior, {.destroy = true, .targets = {"d[\"z\"]"}})
              .find("the state has no such") != std::string::npos);
    CHECK(
        planned_with(kSpec, prior, {.replace = {"d"}}).starts_with("--replace d: the spec has no"));
    CHECK(planned_with(kSpec, prior, {.targets = {"a"}, .replace = {"c"}}) ==
          "--replace c: no --target includes it (add --target c); ");
}

TEST_CASE("an exclusion leaves out what depends on it") {
    const PriorState prior = nothing(kSpec);
    CHECK(planned_with(kSpec, prior, {.exclude = {"a"}}) ==
          "create c; create d[\"x\"]; create d[\"y\"]");
    CHECK(planned_with(kSpec, prior, {.exclude = {"b", "d"}}) == "create a; create c");
    CHECK(planned_with(kSpec, prior, {.exclude = {"d[x]", "a"}}) == "create c; create d[\"y\"]");
    CHECK(planned_with(kSpec, prior, {.exclude = {"a", "c", "d"}}) == "");
    CHECK(planned_with(kSpec, prior, {.exclude = {"cc", "a"}}) ==
          "--exclude cc: spec and state have no such resource or module (did you mean c?); ");
    CHECK(planned_with(kSpec, as_applied(kSpec), {.exclude = {"a"}, .replace = {"b"}})
              .starts_with("--replace b: --exclude excludes it ("));
    const TestSpec t(kSpec);
    const Plan plan = make_plan(*t.graph, prior, t.settings, {.exclude = {"a", "a"}});
    CHECK(plan.partial);
    CHECK(plan.notices ==
          std::vector<std::string>{"this plan is partial: everything except a and dependents"});
}

TEST_CASE("excluded resources stay, and so do their dependencies") {
    const PriorState prior = as_applied(kSpec);
    CHECK(planned_with(kSpec, prior, {.destroy = true, .exclude = {"b"}}) ==
          "remove c; remove d[\"x\"]; remove d[\"y\"]");
    CHECK(planned_with(kSpec, prior, {.destroy = true, .exclude = {"a"}}) ==
          "remove b; remove c; remove d[\"x\"]; remove d[\"y\"]");
    // b is in the spec, and depends on a only by its record
    const char* without_a = "name: t\nresources: {b: {type: fake.thing, name: b, value: other}}\n";
    CHECK(planned_with(without_a, prior, {.exclude = {"b"}}) ==
          "remove c; remove d[\"x\"]; remove d[\"y\"]");
    // resources that the spec no longer has
    const char* less = "name: t\nresources: {c: {type: fake.thing, name: c, value: three}}\n";
    CHECK(planned_with(less, prior, {.exclude = {"b"}}) == "remove d[\"x\"]; remove d[\"y\"]");
    CHECK(planned_with(less, prior, {.exclude = {"a", "d"}}) == "remove b");
}

TEST_CASE("an address as a shell passes it") {
    const std::vector<std::string> known{"r[\"a\"]", "r[\"b\"]",   "s[0]", "module.m[\"x\"].t[1]",
                                         "both[0]",  "both[\"0\"]"};
    CHECK(resolve_address("r[\"a\"]", known) == "r[\"a\"]");
    CHECK(resolve_address("r[a]", known) == "r[\"a\"]");
    CHECK(resolve_address("r['a']", known) == "r[\"a\"]");
    CHECK(resolve_address("r[\\\"a\\\"]", known) == "r[\"a\"]");
    CHECK(resolve_address("s[\"0\"]", known) == "s[0]");
    CHECK(resolve_address("module.m[x]", known) == "module.m[\"x\"]");
    CHECK(resolve_address("module.m[x].t[\"1\"]", known) == "module.m[\"x\"].t[1]");
    CHECK(resolve_address("r", known) == "r");
    CHECK(resolve_address("r[c]", known) == "r[c]");
    CHECK(resolve_address("both[0]", known) == "both[0]");
    CHECK(resolve_address("both['0']", known) == "both['0']"); // ambiguous
    CHECK(shell_word("r[\"a\"]") == "'r[\"a\"]'");
    CHECK(shell_word("module.m.r") == "module.m.r");
    CHECK(quoted_keys("r[a].s['b'][0]") == "r[\"a\"].s[\"b\"][0]");
    CHECK(quoted_keys("r[a") == "r[a");
    CHECK(unknown_address("", "r.a", known, "").hint == "did you mean 'r[\"a\"]'?");
    CHECK(unknown_address("", "s[7]", known, "").hint == "there are: 's[0]'");
    CHECK(unknown_address("", "t[7]", {"t[0]", "t[1]", "t[10]"}, "").hint ==
          "there are: 't[0]', 't[1]', 't[10]'");
    CHECK(unknown_address("", "t[99999999999999999999]", {"t[0]", "t[1]"}, "").hint ==
          "there are: 't[0]', 't[1]'");
}

TEST_CASE("outputs and addresses alone are a change") {
    const char* spec = "name: t\noutputs: {a: 1, b: two}\n";
    const TestSpec t(spec);
    const auto changes = [&](const Value& recorded) {
        const PriorState prior{.lineage = "00000000-0000-4000-8000-000000000000",
                               .outputs = recorded};
        const Plan plan = make_plan(*t.graph, prior, t.settings);
        std::string out = plan.empty() ? "empty:" : "";
        for (const OutputChange& c : output_changes(plan))
            out += (c.before ? c.after ? " ~" : " -" : " +") + c.name;
        return out;
    };
    CHECK(changes({}) == " +a +b");
    CHECK(changes(Value::map({{"a", 1}, {"b", "two"}})) == "empty:");
    CHECK(changes(Value::map({{"a", 2}, {"b", "two"}, {"c", 3}})) == " ~a -c");
    CHECK(changes(Value::map({{"a", Value(1).as_secret()}, {"b", "two"}})) ==
          " ~a"); // no longer secret
    // a destroy removes outputs too, even if nothing else is left; a partial one does not
    PriorState prior{.lineage = "00000000-0000-4000-8000-000000000000",
                     .outputs = Value::map({{"a", 1}})};
    CHECK_FALSE(make_destroy_plan(prior, t.registry).empty());
    const PriorState applied = as_applied(kSpec);
    CHECK(output_changes(make_destroy_plan(applied, t.registry)).size() == 2);
    CHECK(output_changes(make_destroy_plan(applied, t.registry, {.targets = {"b"}})).empty());

    const char* moved = "name: t\nresources: {z: {type: fake.thing, name: a, value: one}}\n"
                        "moved: [{from: a, to: z}]\n";
    const TestSpec m(moved);
    PriorState before =
        as_applied("name: t\nresources: {a: {type: fake.thing, name: a, value: one}}\n");
    before.observed["z"] = before.observed.at("a");
    const Plan plan = make_plan(*m.graph, with_moves(before, m.spec.moved), m.settings);
    CHECK(plan.steps.empty());
    CHECK(plan.moves == std::map<std::string, std::string>{{"a", "z"}});
    CHECK_FALSE(plan.empty());
}

TEST_CASE("a removal includes dependents") {
    const PriorState prior = as_applied(kSpec);
    CHECK(planned_with(kSpec, prior, {.destroy = true, .targets = {"a"}}) == "remove b; remove a");
    CHECK(planned_with(kSpec, prior, {.destroy = true, .targets = {"b"}}) == "remove b");
    // of the resources that the spec no longer has, only the target is removed
    const char* less = "name: t\nresources: {c: {type: fake.thing, name: c, value: three}}\n";
    CHECK(planned_with(less, prior, {.targets = {"a"}}) == "remove b; remove a");
    CHECK(planned_with(less, prior, {.targets = {"d[\"x\"]"}}) == "remove d[\"x\"]");
    CHECK(planned_with(less, prior, {.targets = {"c"}}) == "");
    // a dependent that stays is changed first
    const char* without_a = "name: t\nresources: {b: {type: fake.thing, name: b, value: other}}\n";
    CHECK(planned_with(without_a, prior, {.targets = {"a"}}) == "update b (value,shout); remove a");
}

TEST_CASE("resources outside of the targets stay as recorded") {
    PriorState prior = as_applied(kSpec);
    drift(prior, "c", "value", "other");
    const TestSpec t(kSpec);
    const Plan plan = make_plan(*t.graph, prior, t.settings, {.targets = {"a"}});
    CHECK(plan.empty());
    CHECK(plan.outputs.text("c") == "token-of-c");
}

TEST_CASE("--replace replaces a resource and those that it triggers") {
    const PriorState prior = as_applied(kSpec);
    const TestSpec t(kSpec);
    const Plan plan = make_plan(*t.graph, prior, t.settings, {.replace = {"d[\"x\"]"}});
    REQUIRE(summary(plan) == "replace d[\"x\"]");
    REQUIRE(plan.steps.size() == 2); // first the removal of the old object
    CHECK(plan.steps[0].action == Action::remove);
    CHECK(plan.steps[0].generation == 1);
    CHECK(plan.steps[0].identity == prior.recorded.at("d[\"x\"]").identity);
    CHECK(plan.steps[1].after_steps == std::vector<StepId>{0});
    CHECK(plan.steps[1].reason == "requested with --replace");
    CHECK(plan.steps[1].generation == 2);
    CHECK(plan.steps[1].identity != prior.recorded.at("d[\"x\"]").identity);
    const auto tainted = [](const RecordedResource& r) {
        return r.address == "d[\"x\"]" && r.tainted;
    };
    CHECK(std::any_of(plan.records.begin(), plan.records.end(), tainted)); // in case the run fails
    // a missing object is created in any case
    CHECK(planned_with(kSpec, nothing(kSpec), {.targets = {"c"}, .replace = {"c"}}) == "create c");
    // a resource that cannot be read now is read in apply, and replaced in any case
    PriorState unread = prior;
    unread.observed.erase("c");
    CHECK(planned_with(kSpec, unread, {.replace = {"c"}}) == "replace c");
    const char* triggers = R"(name: t
resources:
  a: {type: fake.thing, name: a}
  b: {type: fake.thing, name: b, lifecycle: {replace_triggered_by: [a]}}
)";
    CHECK(planned_with(triggers, as_applied(triggers), {.replace = {"a"}}) ==
          "replace a; replace b");
    const char* guarded = "name: t\nresources: {a: {type: fake.thing, name: a, lifecycle: "
                          "{prevent_destroy: true}}}\n";
    CHECK(planned_with(guarded, as_applied(guarded), {.replace = {"a"}})
              .starts_with("a would be replaced: requested with --replace, but prevent_destroy"));
}

TEST_CASE("without a refresh the state is assumed to be current") {
    PriorState prior = as_applied(kSpec);
    prior.observed.clear();
    assume_recorded(prior);
    CHECK(planned_with(kSpec, prior, {.refresh = false}) == "");
    prior.unfinished.insert("c");
    prior.observed.clear();
    assume_recorded(prior);
    CHECK_FALSE(prior.observed.contains("c")); // its state is unknown
}

TEST_CASE("a refresh records only drift") {
    PriorState prior = as_applied(kSpec);
    drift(prior, "a", "value", "other");
    prior.observed["c"] = Observation::absent();
    drift(prior, "b", "labels", Value::map({{"seen", "but not ours"}}));
    const TestSpec t(kSpec);
    const Plan plan = make_refresh_plan(*t.graph, prior, {.refresh_only = true});
    CHECK(summary(plan) == "refresh a (value); forget c");
    CHECK(plan.refresh_only);
    CHECK(plan.steps[0].after.text("value") == "other");
    CHECK(attribute(prior, "a", "value").as_string() == "one");
    CHECK(summary(make_refresh_plan(*t.graph, prior, {.refresh_only = true, .targets = {"c"}})) ==
          "forget c");
    prior.observed["c"] = Observation::failed(Error(ErrorKind::failed, "no answer"));
    CHECK_THROWS_AS(make_refresh_plan(*t.graph, prior, {.refresh_only = true}), Error);
    prior.observed["c"] = Observation::blocked(Error(ErrorKind::failed, "down"));
    CHECK(make_refresh_plan(*t.graph, prior, {.refresh_only = true}).notices ==
          std::vector<std::string>{"c can't be read now; its record is unchanged"});
    prior.observed["c"] = prior.observed["b"];
    prior.observed["c"].foreign = "made by hand";
    CHECK(summary(make_refresh_plan(*t.graph, prior, {.refresh_only = true})) ==
          "refresh a (value); forget c");
}

TEST_CASE("why explains the steps of a plan") {
    PriorState prior = as_applied(kSpec);
    const char* changed = R"(name: t
resources:
  a: {type: fake.thing, name: a, value: one, size: 2}
  b: {type: fake.thing, name: b, value: "${a.token}"}
  c: {type: fake.thing, name: c, value: three}
  d: {type: fake.thing, for_each: [x, y], name: "${each.key}"}
)";
    drift(prior, "c", "value", "other");
    const TestSpec t(changed);
    const Plan plan = make_plan(*t.graph, prior, t.settings);
    REQUIRE(summary(plan) == "replace a (size); update c (value); update b (value)");

    const auto drifted = explain("c", plan, *t.graph, prior);
    REQUIRE(drifted.size() == 1);
    CHECK(drifted[0].causes[0].origin == Why::Origin::drift);
    CHECK(drifted[0].causes[0].loc == Loc{5, 34, 0});

    const auto chain = explain("b", plan, *t.graph, prior);
    REQUIRE(chain.size() == 2);
    CHECK(chain[0].causes[0].origin == Why::Origin::later);
    CHECK(chain[0].causes[0].from == std::vector<std::string>{"a"});
    CHECK(chain[0].waits_for == std::vector<std::string>{"a"});
    CHECK(chain[1].address == "a");
    CHECK(chain[1].causes[0].origin == Why::Origin::spec);
    CHECK(chain[1].causes[0].change.replaces);

    const auto calm = explain("d[\"x\"]", plan, *t.graph, prior);
    REQUIRE(calm.size() == 1);
    CHECK_FALSE(calm[0].step);
    CHECK(calm[0].loc.line == 6);
    try {
        (void)explain("d", plan, *t.graph, prior);
        FAIL("a block is not a resource");
    } catch (const Error& error) {
        CHECK(error.kind == ErrorKind::usage);
        CHECK(error.message == "neither the spec nor the state has a d");
        CHECK(error.hint == "name a single resource, such as 'd[\"x\"]'");
    }
}

TEST_CASE("the form of addresses") {
    for (const char* good : {"a", "a-b_1", "a[0]", "a[\"x.y[1]\"]", "module.m.a",
                             "module.m.a[\"x\"]", "module.m[\"k\"].module.n.a[3]"})
        CHECK_MESSAGE(form_of_address(good) == AddressForm::resource, good);
    for (const char* module : {"module.m", "module.m.module.n", "module.m[\"k\"]"})
        CHECK_MESSAGE(form_of_address(module) == AddressForm::module, module);
    for (const char* bad : {"", "1a", "a.", "a.b", "a[", "a[]", "a[x]", "a[\"x\"", "a[1]b",
                            "module", "module.", "module.m.", ".a", "a b"})
        CHECK_MESSAGE(form_of_address(bad) == AddressForm::none, bad);
}

TEST_CASE("a move changes the moved records and those that refer to them") {
    const PriorState prior = as_applied(R"(name: t
resources:
  m: {type: fake.machine, name: m}
  a: {type: fake.thing, name: a, host: "${m.connection}"}
  b: {type: fake.thing, name: b}
)");
    const PriorState moved = with_moves(prior, {{"m", "n", {}}});
    const std::vector<RecordedResource> touched = changed_records(prior, moved);
    REQUIRE(touched.size() == 2);
    CHECK(touched[0].address == "a");
    CHECK(touched[0].depends_on == std::vector<std::string>{"n"});
    CHECK(touched[0].config["host"].text("machine") == "n");
    CHECK(touched[1].address == "n");
    CHECK(touched[1].attributes["connection"].text("machine") == "n");
}
