#include "planner/plan/make_plan.h"
#include "planner/plan/prior_state.h"
#include "planner/plan/reads.h"
#include "support/project.h"

#include <doctest/doctest.h>

using namespace hadeploy;

namespace {
/// Nothing exists yet except `things`, which are recorded and unchanged.
PriorState world_of(const TestSpec& t, const std::vector<std::string>& things) {
    PriorState prior{.lineage = "00000000-0000-4000-8000-000000000000"};
    for (const Node& n : t.graph->nodes()) {
        if (n.type->data) continue;
        prior.observed[n.address] = Observation::absent();
        if (std::find(things.begin(), things.end(), n.address) == things.end()) continue;
        const Value attributes = Value::map(
            {{"name", n.address}, {"value", "v"}, {"size", 1}, {"token", "t"}, {"shout", "v!"}});
        prior.recorded[n.address] = {.address = n.address,
                                     .type = n.type->name,
                                     .config = attributes.without("token"),
                                     .attributes = attributes};
        prior.observed[n.address] = Observation::present(attributes);
    }
    return prior;
}

/// The addresses of the data sources to read now.
std::string to_read(const TestSpec& t, const PriorState& prior) {
    std::string out;
    for (const PlannedRead& s : reads_of_data(*t.graph, prior, t.settings))
        out += s.request.address + " " + s.request.config.text("name") + "; ";
    return out;
}

void note_read(PriorState& prior, const std::string& address, const char* name, const char* value) {
    prior.observed[address] = Observation::present(Value::map({{"name", name}, {"value", value}}));
}

constexpr const char* kDataSpec = R"(name: t
data:
  one: {type: fake.look, name: known}
  two: {type: fake.look, name: "${data.one.value}"}
  three: {type: fake.look, name: "${a.token}"}
  four: {type: fake.look, name: fixed, depends_on: [a]}
resources:
  a: {type: fake.thing, name: a, value: v}
  b: {type: fake.thing, name: "b-${data.two.value}"}
)";
} // namespace

TEST_CASE("data sources with a known config are read step by step, waiting ones are not") {
    const TestSpec t(kDataSpec);
    PriorState fresh = world_of(t, {});
    CHECK(to_read(t, fresh) == "data.one known; ");
    note_read(fresh, "data.one", "known", "x");
    CHECK(to_read(t, fresh) == "data.two x; ");
    note_read(fresh, "data.two", "x", "y");
    CHECK(to_read(t, fresh) == "");
    const Plan plan = make_plan(*t.graph, fresh, t.settings);
    CHECK(summary(plan) == "create a; read data.four; read data.three; create b");
    CHECK(plan.steps[1].reason == "a must be applied first");
    CHECK(plan.steps[2].reason == "name is known only after apply");
    CHECK(plan.steps[3].after.text("name") == "b-y");

    PriorState made = world_of(t, {"a"});
    CHECK(to_read(t, made) == "data.one known; data.four fixed; data.three t; ");
}

TEST_CASE("a read with another config is not used") {
    const TestSpec t(kDataSpec);
    PriorState prior = world_of(t, {"a"});
    note_read(prior, "data.one", "known", "x");
    note_read(prior, "data.two", "old", "y");
    note_read(prior, "data.three", "t", "y");
    note_read(prior, "data.four", "fixed", "y");
    CHECK(to_read(t, prior) == "data.two x; ");
    const Plan plan = make_plan(*t.graph, prior, t.settings);
    CHECK(summary(plan) == "read data.two; create b");
    CHECK(plan.steps[1].after["name"].is_unknown());
    note_read(prior, "data.two", "x", "z");
    CHECK(summary(make_plan(*t.graph, prior, t.settings)) == "create b");
}

TEST_CASE("dependencies for the state are seen through data sources") {
    const TestSpec t(R"(name: t
resources:
  a: {type: fake.thing, name: a}
  b: {type: fake.thing, name: "${data.second.value}"}
data:
  first: {type: fake.look, name: "${a.token}"}
  second: {type: fake.look, name: "${data.first.value}"}
)");
    CHECK(t.graph->dependencies(*t.graph->find("b")) == std::vector<std::string>{"a"});
    CHECK((*t.graph)[*t.graph->find("b")].deps.size() == 1);
}

TEST_CASE("invalid data sources are errors") {
    CHECK(errors_of("name: t\ndata: {a: {type: fake.thing, name: a}}\n") ==
          "hadeploy.yaml:2:18: \"fake.thing\" is a type of resources (put the block under "
          "`resources:`)\n");
    CHECK(errors_of("name: t\nresources: {a: {type: fake.look, name: a}}\n") ==
          "hadeploy.yaml:2:23: \"fake.look\" is a type of data sources (put the block under "
          "`data:`)\n");
    CHECK(errors_of("name: t\ndata: {a: {type: fake.loo, name: a}}\n") ==
          "hadeploy.yaml:2:18: there is no data source type \"fake.loo\" (did you mean "
          "\"fake.look\"?)\n");
    CHECK(errors_of("name: t\ndata: {a: {name: a}}\n") ==
          "hadeploy.yaml:2:8: data source \"a\" needs a \"type\" (for example: type: http "
          "(`hadeploy docs` lists all types))\n");
    CHECK(errors_of("name: t\ndata: {a: {type: fake.look, name: a, serial: true}}\n")
              .find("unknown key \"serial\"") != std::string::npos);
    CHECK(errors_of("name: t\ndata: {a: {type: fake.look, name: a, lifecycle: {prevent_destroy: "
                    "true}}}\n") ==
          "hadeploy.yaml:2:50: the lifecycle of a data source has no key \"prevent_destroy\" (it "
          "has: preconditions, postconditions)\n");
    CHECK(errors_of("name: t\ndata: {abc: {type: fake.look, name: a}}\noutputs: {a: "
                    "\"${data.abd.value}\"}\n") ==
          "hadeploy.yaml:3:17: there is no data source \"abd\" (did you mean \"abc\"?)\n");
    CHECK(errors_of(R"(name: t
data: {a: {type: fake.look, name: a}}
resources: {b: {type: fake.thing, name: b, value: "${data.a.valeu}"}}
)") == "hadeploy.yaml:3:54: data.a has no \"valeu\" (did you mean \"value\"?)\n");
    CHECK(errors_of("name: t\ndata: {a: {type: fake.look, name: \"${data.a.value}\"}}\n")
              .starts_with("hadeploy.yaml:2:8: data.a depends on itself\n"));
}

TEST_CASE("the number of instances can't depend on a data source") {
    const std::string hint =
        "data sources are read only after the number of instances is known: take ";
    const std::string data = "name: t\ndata: {a: {type: fake.look, name: a}}\nresources:\n";
    CHECK(errors_of(data + "  b: {type: fake.thing, for_each: \"${data.a.value}\", name: b}\n") ==
          "hadeploy.yaml:4:38: the keys of for_each are known only after apply (" + hint +
              "the keys from a variable, a local or file())\n");
    CHECK(errors_of(data + "  b: {type: fake.thing, count: \"${data.a.value}\", name: b}\n") ==
          "hadeploy.yaml:4:35: the count is known only after apply (" + hint +
              "it from a variable, a local or file())\n");
    // but they can depend on the instances of one
    const TestSpec t(R"(name: t
data: {a: {type: fake.look, for_each: [x, y], name: "${each.key}"}}
resources: {b: {type: fake.thing, for_each: "${data.a}", name: "${each.value.value}"}}
)");
    CHECK(t.graph->find("b[\"y\"]"));
    CHECK(t.graph->find("data.a[\"y\"]"));
}

TEST_CASE("preconditions of a data source stop a plan") {
    CHECK(errors_of(R"(name: t
data:
  a: {type: fake.look, name: a, lifecycle: {preconditions: [{check: "${1 > 2}", message: never}]}}
)")
              .find("never") != std::string::npos);
}
