#include "planner/plan/make_plan.h"
#include "planner/plan/moves.h"
#include "planner/plan/prior_state.h"
#include "planner/plan/removal.h"
#include "planner/planned.h"

#include <doctest/doctest.h>

using namespace hadeploy;

TEST_CASE("a protected resource is neither destroyed nor replaced") {
    const char* spec = R"(name: t
resources:
  a: {type: fake.thing, name: a, lifecycle: {prevent_destroy: true}}
)";
    const PriorState prior = made(spec);
    CHECK(planned(spec, prior) == "");
    const std::string replaced =
        "a would be replaced: size can't be changed in place, but prevent_destroy protects it; ";
    CHECK(planned(R"(name: t
resources: {a: {type: fake.thing, name: a, size: 2, lifecycle: {prevent_destroy: true}}}
)",
                  prior) == replaced);
    // the state keeps it if the lifecycle, or the whole block, is removed
    CHECK(planned("name: t\nresources: {a: {type: fake.thing, name: a, size: 2}}\n", prior) ==
          replaced);
    CHECK(planned("name: t\n", prior) == "a would be destroyed, but prevent_destroy protects it; ");
    const TestSpec t(spec);
    CHECK_THROWS_AS(make_destroy_plan(prior, t.registry), Error);
    CHECK(planned("name: t\nresources: {a: {type: fake.thing, name: a, size: 2, lifecycle: "
                  "{prevent_destroy: false}}}\n",
                  prior) == "replace a (size can't be changed in place); ");
    PriorState gone = prior;
    gone.observed["a"] = Observation::absent();
    CHECK(planned("name: t\n", gone) == "forget a (it is already gone); ");
}

TEST_CASE("the protection is recorded, kept, and lifted only by the spec") {
    const auto record = [](const char* text, const PriorState& prior) {
        const TestSpec t(text);
        const Plan plan = make_plan(*t.graph, prior, t.settings);
        REQUIRE(plan.steps.empty());
        return plan.records.empty() ? prior.recorded.at("a").config.flag("prevent_destroy")
                                    : plan.records[0].config.flag("prevent_destroy");
    };
    const char* plain = "name: t\nresources: {a: {type: fake.thing, name: a}}\n";
    PriorState prior = made(plain);
    CHECK_FALSE(record(plain, prior));
    CHECK(record("name: t\nresources: {a: {type: fake.thing, name: a, lifecycle: {prevent_destroy: "
                 "true}}}\n",
                 prior));
    prior.recorded["a"].config = prior.recorded["a"].config.with("prevent_destroy", true);
    CHECK(record(plain, prior));
    CHECK_FALSE(record("name: t\nresources: {a: {type: fake.thing, name: a, lifecycle: "
                       "{prevent_destroy: false}}}\n",
                       prior));
}

TEST_CASE("objects on a machine are protected from its removal") {
    const auto spec = [](int size) {
        return fmt::format(R"(name: t
resources:
  m: {{type: fake.machine, name: m, size: {}}}
  a: {{type: fake.thing, name: a, host: "${{m.connection}}", lifecycle: {{prevent_destroy: true}}}}
)",
                           size);
    };
    const PriorState prior = made(spec(1).c_str());
    CHECK(planned(spec(1).c_str(), prior) == "");
    CHECK(planned(spec(2).c_str(), prior) ==
          "a would be removed with its machine, but prevent_destroy protects it; ");
    CHECK(planned("name: t\n", prior) == "a would be destroyed, but prevent_destroy protects it; ");
}

TEST_CASE("ignored changes are neither drift nor planned changes") {
    const auto spec = [](const char* value, const char* ignored) {
        return fmt::format("name: t\nresources: {{a: {{type: fake.thing, name: a, value: {}, "
                           "labels: {{x: y}}, lifecycle: {{ignore_changes: {}}}}}}}\n",
                           value, ignored);
    };
    const PriorState prior = made(spec("one", "[value]").c_str());
    CHECK(planned(spec("two", "[value]").c_str(), prior) == "");
    CHECK(planned(spec("two", "[labels]").c_str(), prior) == "update a; ");
    CHECK(planned(spec("two", "all").c_str(), prior) == "");
    CHECK(planned(spec("one", "[value]").c_str(), drifted(prior, "a", "value", "three")) ==
          ""); // nor are attributes that follow from it
    CHECK(planned(spec("one", "[value]").c_str(), drifted(prior, "a", "shout", "what?")) == "");
    CHECK(planned(spec("one", "[labels]").c_str(), drifted(prior, "a", "shout", "what?")) ==
          "update a (something else changed it); ");
    CHECK(planned(spec("one", "[value, shout]").c_str(), drifted(prior, "a", "value", "three")) ==
          "");
    CHECK(planned(spec("one", "[labels]").c_str(), drifted(prior, "a", "value", "three")) ==
          "update a (something else changed it); ");
    PriorState gone = prior;
    gone.observed["a"] = Observation::absent();
    CHECK(planned(spec("two", "all").c_str(), gone) == "create a (it is gone); ");
}

TEST_CASE("a resource is replaced when another one changes") {
    const auto spec = [](const char* value) {
        return fmt::format("name: t\nresources:\n  b: {{type: fake.thing, name: b, value: {}}}\n"
                           "  a: {{type: fake.thing, name: a, lifecycle: {{replace_triggered_by: "
                           "[b]}}}}\n",
                           value);
    };
    const PriorState prior = made(spec("one").c_str());
    CHECK(planned(spec("one").c_str(), prior) == "");
    CHECK(planned(spec("two").c_str(), prior) == "update b; replace a (b is updated); ");
}

TEST_CASE("a trigger of all instances of a serial block is noted") {
    const auto notices = [](const char* trigger) {
        const auto spec = [&](const char* value) {
            return fmt::format(
                "name: t\nresources:\n  app: {{type: fake.thing, for_each: [x, y], serial: true, "
                "name: \"app-${{each.key}}\", value: {}}}\n  member: {{type: fake.thing, for_each: "
                "[x, y], name: \"${{each.key}}\", lifecycle: {{replace_triggered_by: ['{}']}}}}\n",
                value, trigger);
        };
        const PriorState prior = made(spec("one"));
        const TestSpec t(spec("two").c_str());
        return make_plan(*t.graph, prior, t.settings).notices;
    };
    CHECK(notices("app[each.key]").empty());
    const std::vector<std::string> all = notices("app");
    REQUIRE(all.size() == 1);
    CHECK(all[0] ==
          "member[\"x\"] is replaced because of all instances of app, which change one at "
          "a time; to replace it with its own instance, write replace_triggered_by: "
          "['app[each.key]']");
}

TEST_CASE("preconditions stop a plan") {
    const char* spec = R"(name: t
variables: {n: {type: integer, default: 2}}
resources:
  b: {type: fake.thing, name: b}
  a:
    type: fake.thing
    for_each: [x, y]
    name: ${each.key}
    lifecycle:
      preconditions:
        - {check: "${each.key != 'y' || var.n > 2}", message: "y needs more than ${var.n}"}
        - {check: "${b.token != ''}", message: later}
)";
    PriorState prior{.lineage = "00000000-0000-4000-8000-000000000000"};
    for (const char* a : {"a[\"x\"]", "a[\"y\"]", "b"}) prior.observed[a] = Observation::absent();
    CHECK(planned(spec, prior) == "y needs more than 2; ");
    CHECK(errors_of(spec) == "hadeploy.yaml:11:20: y needs more than 2\n");
}

TEST_CASE("removed: forgets without destroying") {
    const PriorState prior = made(R"(name: t
resources:
  m: {type: fake.machine, name: m}
  a: {type: fake.thing, for_each: [x, y], name: "${each.key}", host: "${m.connection}"}
  b: {type: fake.thing, name: b, lifecycle: {prevent_destroy: true}}
)");
    const std::string stays = " (`removed:` lists it; the object is kept); ";
    CHECK(planned("name: t\nremoved: [a, m, b]\n", prior) == "forget b" + stays + "forget m" +
                                                                 stays + "forget a[\"x\"]" + stays +
                                                                 "forget a[\"y\"]" + stays);
    CHECK(planned("name: t\nremoved: [b, 'a[\"x\"]', m]\n", prior)
              .find("remove a[\"y\"] (the spec no longer has it); ") != std::string::npos);
    CHECK(planned("name: t\nremoved: [b, nothing]\nresources: {b: {type: fake.thing, name: b}}\n",
                  prior)
              .starts_with("removed: b is still in the spec; "));
}

TEST_CASE("invalid lifecycles are errors") {
    const auto error = [](const char* lifecycle) {
        return errors_of(fmt::format(
            "name: t\nresources:\n  a: {{type: fake.thing, name: a, lifecycle: {}}}\n", lifecycle));
    };
    CHECK(error("{prevent_destory: true}") ==
          "hadeploy.yaml:3:46: a lifecycle has no key \"prevent_destory\" (did you mean "
          "\"prevent_destroy\"?)\n");
    CHECK(error("{prevent_destroy: maybe}") ==
          "hadeploy.yaml:3:63: prevent_destroy: expected a boolean, got a string (true, false, or "
          "an expression that gives one of them)\n");
    CHECK(error("{ignore_changes: [valeu]}") ==
          "hadeploy.yaml:3:63: ignore_changes: fake.thing has no attribute \"valeu\" (did you mean "
          "\"value\"?)\n");
    CHECK(
        error("{replace_triggered_by: [b]}") ==
        "hadeploy.yaml:3:69: replace_triggered_by: nothing here is called \"b\" (there are: a)\n");
    CHECK(error("protect").find("is a map, not a string") != std::string::npos);
    CHECK(error("{preconditions: [{check: true}]}").find("needs a check and a message") !=
          std::string::npos);
}

TEST_CASE("impossible moves are errors, completed ones are not") {
    const auto moved = [](PriorState prior, std::vector<Move> moves) {
        std::string out;
        try {
            prior = with_moves(std::move(prior), moves);
            for (const auto& [address, r] : prior.recorded) out += address + " ";
        } catch (const Error& errors) {
            for (const Error& e : errors.all()) out += e.message + "; ";
        }
        return out;
    };
    PriorState prior;
    for (const char* a : {"a", "b[\"x\"]", "b[\"y\"]", "module.m.c"})
        prior.recorded[a] = {.address = a};
    CHECK(moved(prior, {{"a", "a[\"x\"]", {}}}) == "a[\"x\"] b[\"x\"] b[\"y\"] module.m.c ");
    CHECK(moved(prior, {{"b", "c", {}}, {"module.m", "module.n.o", {}}}) ==
          "a c[\"x\"] c[\"y\"] module.n.o.c ");
    CHECK(moved(prior, {{"a", "c", {}}, {"c", "d", {}}}) == "b[\"x\"] b[\"y\"] d module.m.c ");
    CHECK(moved(prior, {{"nothing", "a", {}}}) == "a b[\"x\"] b[\"y\"] module.m.c ");
    CHECK(moved(prior, {{"b[\"x\"]", "b", {}}}) == "a b b[\"y\"] module.m.c ");
    CHECK(moved(prior, {{"a", "b[\"x\"]", {}}}) ==
          "moved: a can't become b[\"x\"], which exists already; ");
    prior.recorded["a[\"x\"]"] = {.address = "a[\"x\"]"};
    CHECK(moved(prior, {{"a[\"x\"]", "e", {}}}).starts_with("a b"));
    prior.interrupted["a"] = ChangeKind::create;
    CHECK(moved(prior, {{"a", "f", {}}}) == "b[\"x\"] b[\"y\"] f f[\"x\"] module.m.c ");
    CHECK(planned("name: t\nmoved: [{from: a, to: b}]\nresources: {a: {type: fake.thing, name: a}, "
                  "b: {type: fake.thing, name: b}}\n",
                  made("name: t\n")) == "moved: a is still in the spec; ");
    CHECK(
        errors_of("name: t\nmoved: [{from: a}]\n") ==
        "hadeploy.yaml:2:10: moved lists addresses, each with a from and a to (for example: moved: "
        "[{from: node, to: host}])\n");
}
