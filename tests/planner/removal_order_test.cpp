// The order of removals and replacements. tests/histories tests it over many runs.
#include "changed_spec.h"
#include "planner/plan/reads.h"
#include "planner/plan/removal.h"
#include "planner/plan/selection.h"

#include <doctest/doctest.h>

using namespace hadeploy;

namespace {

/// The plan to destroy everything that a spec has made.
std::string destroyed(const std::string& spec) {
    Planning planning(resources(spec));
    std::string out;
    for (const Step& s : make_destroy_plan(planning.made(), planning.registry).steps)
        out += fmt::format("{} {}; ", action_name(s.action), s.address);
    return out;
}

} // namespace

TEST_CASE("dependents of a replaced object are removed before it") {
    const auto three = [](int size, const char* last) {
        return fmt::format(
            "  a: {{type: fake.thing, name: a, size: {}}}\n"
            "  b: {{type: fake.thing, name: b, size: {}, value: \"${{a.name}}\"}}\n{}",
            size, size, last);
    };
    const char* c = "  c: {type: fake.thing, name: c, value: \"${b.name}\"}\n";
    CHECK(change(three(1, ""), three(2, "")) ==
          "remove old b; remove old a; replace a; replace b; ");
    CHECK(change(three(1, c), three(2, "")) ==
          "remove c; remove old b; remove old a; replace a; replace b; ");
    // it no longer depends on it
    CHECK(change(three(1, ""), "  a: {type: fake.thing, name: a, size: 2}\n"
                               "  b: {type: fake.thing, name: b, size: 2}\n") ==
          "remove old b; replace b; remove old a; replace a; ");
}

TEST_CASE("a claim of another object is taken after that object has released it") {
    const auto doors = [](const char* a, const char* b) {
        return fmt::format("  a: {{type: fake.door, name: a, value: \"{}\"}}\n"
                           "  b: {{type: fake.door, name: b, value: \"{}\"}}\n",
                           a, b);
    };
    CHECK(change(doors("1", "2"), doors("2", "3")) == "update b; update a; ");
    CHECK(change(doors("1", "2"), doors("3", "1")) == "update a; update b; ");
    CHECK(change(doors("1", "2"), "  b: {type: fake.door, name: b, value: \"1\"}\n") ==
          "remove a; update b; ");
    CHECK(change(doors("1", "2"), doors("2", "1")) ==
          "2 steps wait for each other (make the change in two runs, and leave one of them out of "
          "the first run); a takes port 2 from b; b takes port 1 from a; ");
}

TEST_CASE("everything is removed in the reverse order of its creation") {
    CHECK(destroyed("  a: {type: fake.thing, name: a}\n"
                    "  b: {type: fake.thing, name: b, value: \"${a.name}\"}\n"
                    "  c: {type: fake.thing, name: c, value: \"${b.name}\"}\n") ==
          "remove c; remove b; remove a; ");
    CHECK(destroyed("  c: {type: fake.thing, name: c}\n"
                    "  b: {type: fake.thing, name: b, depends_on: [c]}\n"
                    "  a: {type: fake.thing, name: a, depends_on: [b]}\n") ==
          "remove a; remove b; remove c; ");
}

TEST_CASE("an object on a machine that is not in the state is not dropped silently") {
    const auto left = [](const char* type, bool in_spec) {
        Planning planning(resources(
            fmt::format("  m: {{type: {}, name: m}}\n"
                        "  on: {{type: fake.thing, name: on, host: \"${{m.connection}}\"}}\n",
                        type)));
        PriorState prior = planning.made();
        prior.recorded.erase("m"); // the object was imported first, or a run was killed
        prior.observed.clear();
        const Graph* graph = in_spec ? planning.graph.get() : nullptr;
        const Plan plan = make_destroy_plan(prior, planning.registry, {}, graph);
        REQUIRE(plan.steps.size() == 1);
        const Step& step = plan.steps.front();
        return fmt::format("{}{} {}{}", action_name(step.action),
                           step.read_first ? " (read first)" : "", step.address,
                           step.reason.empty() ? "" : ": " + step.reason);
    };
    CHECK(left("fake.host", true) == "remove (read first) on");
    const std::string dropped =
        "forget on: its machine m is not in the state, so it cannot be reached; "
        "if the machine exists, the object stays there";
    CHECK(left("fake.host", false) == dropped);
    CHECK(left("fake.machine", true) == dropped); // a run that removed it was killed
}

TEST_CASE("a target on a machine that stays is read before it is destroyed") {
    Planning planning(
        resources("  vm: {type: fake.machine, name: vm}\n"
                  "  on: {type: fake.thing, name: on, host: \"${vm.connection}\"}\n"));
    const PriorState prior = planning.made();
    const auto reads = [&](const PlanOptions& options) {
        std::string out;
        for (const PlannedRead& read : reads_before_destroy(
                 planning.registry, prior, planning.settings, Selection(options, nullptr, prior)))
            out += read.request.address + " ";
        return out;
    };
    CHECK(reads({}).empty());
    PlanOptions part;
    part.targets = {"on"};
    CHECK(reads(part) == "on vm ");
}

TEST_CASE("what is on a machine goes with it") {
    CHECK(destroyed("  vm: {type: fake.machine, name: vm}\n"
                    "  on: {type: fake.thing, name: on, host: \"${vm.connection}\"}\n") ==
          "remove vm; forget on; ");
    // an existing machine stays, and what is on it has to be removed
    CHECK(destroyed("  vm: {type: fake.host, name: vm}\n"
                    "  on: {type: fake.thing, name: on, host: \"${vm.connection}\"}\n") ==
          "remove on; remove vm; ");
}

TEST_CASE("a removal follows the record, not the spec") {
    const char* made = "  a: {type: fake.thing, name: a}\n"
                       "  b: {type: fake.thing, name: b, value: \"${a.name}\"}\n";
    // what depended on it is changed before it goes
    CHECK(change(made, "  b: {type: fake.thing, name: b, value: x}\n") == "update b; remove a; ");
    CHECK(change(made, "  c: {type: fake.thing, name: c}\n") == "create c; remove b; remove a; ");
}
