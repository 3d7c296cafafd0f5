#include "planner/plan/make_plan.h"
#include "planner/plan/prior_state.h"
#include "planner/planned.h"

#include <doctest/doctest.h>

using namespace hadeploy;

namespace {
/// "place: message" of the warnings of a plan with an empty prior state.
std::string warnings_of(const TestSpec::Files& files) {
    const TestSpec t(files);
    PriorState prior{.lineage = "00000000-0000-4000-8000-000000000000"};
    for (const Node& n : t.graph->nodes()) prior.observed[n.address] = Observation::absent();
    std::string out;
    for (const Error& e : make_plan(*t.graph, prior, t.settings).warnings)
        out += t.spec.sources.describe(e.loc) + ": " + e.message + "\n";
    return out;
}

std::string planned_in(const TestSpec& t) {
    PriorState prior{.lineage = "00000000-0000-4000-8000-000000000000"};
    for (const Node& n : t.graph->nodes()) prior.observed[n.address] = Observation::absent();
    return summary(make_plan(*t.graph, prior, t.settings));
}

std::string warnings_of(const char* text) {
    return warnings_of(TestSpec::Files{{"hadeploy.yaml", text}});
}
} // namespace

TEST_CASE("a failed check is a warning, and stops nothing") {
    CHECK(warnings_of(R"(name: t
variables: {n: {default: 2}}
resources: {a: {type: fake.thing, name: a, value: v}}
checks:
  odd: {check: "${var.n % 2 == 1}", message: "${var.n} is even"}
  holds: {check: "${a.value == 'v'}", message: no}
  later: {check: "${a.token == 't'}", message: not known yet}
  several:
    - {check: "${a.value == 'w'}", message: "it is ${a.value}"}
    - {check: "${a.name}", message: no boolean}
    - {check: "${tonumber(a.value) > 1}", message: it can't be evaluated}
)") == "hadeploy.yaml:5:17: check odd: 2 is even\n"
       "hadeploy.yaml:9:16: check several: it is v\n"
       "hadeploy.yaml:10:16: check several: a check must be a boolean, not a string\n"
       "hadeploy.yaml:11:18: check several: tonumber(): \"v\" is not a number\n");
}

TEST_CASE("settings without effect are warnings when the object is created or changed") {
    const std::string text =
        "name: t\nresources:\n  a: {type: fake.thing, name: a, value: in vain}\n"
        "  b: {type: fake.thing, name: b, value: v}\n";
    CHECK(warnings_of(text.c_str()) == "hadeploy.yaml:3:41: it does nothing\n");
    const TestSpec t(text.c_str());
    const PriorState prior = made(t);
    CHECK(make_plan(*t.graph, prior, t.settings).warnings.empty());
    const Plan repair = make_plan(*t.graph, drifted(prior, "a", "value", "other"), t.settings);
    CHECK(summary(repair) == "update a (value)");
    REQUIRE(repair.warnings.size() == 1);
    CHECK(repair.warnings[0].address == "a");
}

TEST_CASE("a warning can be silenced by its name") {
    const auto with = [](const char* silence) {
        return fmt::format("name: t\nvariables: {{quiet: {{default: [in_vain]}}}}\nresources:\n"
                           "  a: {{type: fake.thing, name: a, value: in vain, lifecycle: "
                           "{{silence: {}}}}}\n",
                           silence);
    };
    CHECK(warnings_of(with("[]").c_str()) != "");
    for (const char* silence : {"[in_vain]", "in_vain", "\"${var.quiet}\""})
        CHECK_MESSAGE(warnings_of(with(silence).c_str()) == "", silence);
    const auto refused = [&](const std::string& text) {
        try {
            const TestSpec t(text.c_str());
            return std::string();
        } catch (const Error& e) {
            return e.message + " (" + e.hint + ")";
        }
    };
    CHECK(refused(with("[in_vein]")) ==
          "silence: fake.thing has no warning \"in_vein\" (did you mean \"in_vain\"?)");
    CHECK(refused(with("[open_port]")) ==
          "silence: fake.thing has no warning \"open_port\" (it has: in_vain)");
    CHECK(refused(with("[1]")) ==
          "silence: this is not the name of a warning (for example: [open_port])");
    CHECK(refused(with("true")) ==
          "silence: this is not the name of a warning (for example: [open_port])");
    CHECK(refused("name: t\nresources: {a: {type: fake.thing, name: a}, b: {type: fake.machine, "
                  "name: b, lifecycle: {silence: x}}}\n") ==
          "silence: fake.machine has no warning \"x\" (remove it: the type has no warnings)");
}

TEST_CASE("checks of a module use the module's names") {
    CHECK(warnings_of({{"hadeploy.yaml", "name: t\nmodules: {m: {source: m, for_each: [x, y], "
                                         "with: {v: \"${each.key}\"}}}\n"},
                       {"m/module.yaml", "variables: {v: {}}\nchecks: {c: {check: \"${var.v == "
                                         "'x'}\", message: \"${var.v}\"}}\n"}}) ==
          "m/module.yaml:2:22: check module.m[\"y\"].c: y\n");
}

TEST_CASE("invalid checks are errors") {
    CHECK(errors_of("name: t\nchecks: {c: {check: \"${var.x}\", message: m}}\n") ==
          "hadeploy.yaml:2:24: there is no variable \"x\"\n");
    CHECK(errors_of("name: t\nchecks: {c: {check: true}}\n") ==
          "hadeploy.yaml:2:14: each rule of a check needs a check and a message (for example: "
          "{check: "
          "\"${var.n % 2 == 1}\", message: n has to be odd})\n");
    CHECK(errors_of("name: t\nchecks: {c: {check: true, message: m, warn: true}}\n")
              .find("a rule of a check has no key \"warn\"") != std::string::npos);
}

TEST_CASE("preconditions of an output stop a plan, and the users of the output") {
    CHECK(planned("name: t\noutputs: {o: {value: 1, preconditions: [{check: \"${a.size == 2}\", "
                  "message: \"size is ${a.size}\"}]}}\n"
                  "resources: {a: {type: fake.thing, name: a}}\n",
                  PriorState{.lineage = "00000000-0000-4000-8000-000000000000",
                             .observed = {{"a", Observation::absent()}}}) ==
          "output \"o\": size is 1; ");
    const auto wrong = [](const char* call) {
        try {
            const TestSpec t(
                {{"hadeploy.yaml", fmt::format("name: t\n{}modules: {{m: {{source: m}}}}\n", call)},
                 {"m/module.yaml", "outputs: {o: {value: 1, preconditions: [{check: \"${1 > 2}\", "
                                   "message: m}]}}\n"}});
            return planned_in(t);
        } catch (const Error& errors) {
            std::string out;
            for (const Error& e : errors.all()) out += e.message + "; ";
            return out;
        }
    };
    CHECK(wrong("resources: {a: {type: fake.thing, name: \"a${module.m.o}\"}}\n") ==
          "output \"o\": m; ");
    CHECK(wrong("outputs: {all: \"${module.m}\"}\n") == "output \"o\": m; ");
    CHECK(wrong("") == "output \"o\": m; "); // although nothing uses it
}

TEST_CASE("postconditions of a data source stop the plan that has read it") {
    const TestSpec t(R"(name: t
data:
  d:
    type: fake.look
    name: n
    lifecycle: {postconditions: [{check: "${self.value == 'v'}", message: "it tells ${self.value}"}]}
)");
    const auto planned_with = [&](const char* value) {
        PriorState prior;
        prior.observed["data.d"] =
            Observation::present(Value::map({{"name", "n"}, {"value", value}}));
        try {
            return summary(make_plan(*t.graph, prior, t.settings));
        } catch (const Error& errors) {
            return errors.address + ": " + errors.message;
        }
    };
    CHECK(planned_with("v") == "");
    CHECK(planned_with("w") == "data.d: it tells w");
}
