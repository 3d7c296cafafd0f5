// Tests for objects found under another address, and for the order of replacements and removals.
// tests/histories tests both over many runs.
#include "planner/plan/make_plan.h"
#include "planner/plan/moves.h"
#include "planner/plan/plan.h"
#include "planner/plan/prior_state.h"
#include "planner/plan/reads.h"
#include "planner/spec/load_spec.h"
#include "planner/spec/variables.h"
#include "support/fake_world.h"

#include <doctest/doctest.h>
#include <filesystem>
#include <fmt/format.h>
#include <memory>
#include <string>
#include <vector>

using namespace hadeploy;

namespace {

/// `fake.door`: a thing whose value is changed in place and must be unique.
class Door : public fake::Thing {
  public:
    Door() { name = "fake.door"; }
    std::vector<std::string> claims(const Value& config) const override {
        std::vector<std::string> out = fake::Thing::claims(config);
        if (!out.empty() && config["value"].is_string())
            out.push_back("port " + config.text("value"));
        return out;
    }
};

std::string resources(const std::string& lines) {
    return "name: t\nresources:\n" + lines;
}

/// Plans like the command, including the moves that follow from claims.
struct Planning {
    explicit Planning(const std::string& text) {
        fake::add_to(registry, things);
        registry.add(std::make_unique<Door>());
        load_spec(
            "hadeploy.yaml", [&](const std::filesystem::path&) { return text; }, spec);
        graph = std::make_unique<Graph>(spec, registry, resolve_variables(spec, {}));
        for (const auto& kind : registry.providers()) settings[kind->name] = Value::map({});
    }

    Plan plan(PriorState& world) {
        world = with_moves(std::move(world), spec.moved);
        const Evaluation evaluation = evaluate_and_move(*graph, world, settings);
        for (const Node& n : graph->nodes())
            if (!world.observed.contains(n.address))
                world.observed[n.address] = Observation::absent();
        return make_plan(*graph, world, settings, {}, &evaluation);
    }

    /// The prior state after everything was created.
    PriorState made() {
        PriorState world{.lineage = "00000000-0000-4000-8000-000000000000"};
        const Plan first = plan(world);
        for (const Step& s : first.steps) {
            Value seen = first.values[*s.node];
            for (const Attribute& a : s.type->schema)
                if (seen[a.name].is_unknown()) seen = seen.with(a.name, "token-of-" + s.address);
            std::vector<std::string> deps;
            for (const NodeId d : (*graph)[*s.node].deps) deps.push_back((*graph)[d].address);
            world.recorded[s.address] = {s.address, s.type->name, 1,   s.identity,
                                         s.after,   seen,         deps};
            world.observed[s.address] = Observation::present(seen);
        }
        return world;
    }

    fake::World things;
    Registry registry;
    Spec spec;
    std::unique_ptr<Graph> graph;
    ProviderSettings settings;
};

/// The plan from a prior state to a spec as "a -> b; remove old c; replace c; ", or its errors.
std::string plan_text(PriorState world, const std::string& spec) {
    std::string out;
    try {
        Planning planning(resources(spec));
        const Plan plan = planning.plan(world);
        for (const auto& [from, to] : plan.moves) out += from + " -> " + to + "; ";
        for (const Step& s : plan.steps)
            out += fmt::format("{}{} {}; ", action_name(s.action), s.first_half ? " old" : "",
                               s.address);
        for (const std::string& n : plan.notices) out += "note: " + n + "; ";
    } catch (const Error& errors) {
        for (const Error& e : errors.all()) {
            out += e.message + " (" + e.hint + "); ";
            for (const Note& n : e.notes) out += n.text + "; ";
        }
    }
    return out;
}

/// The plan from one spec to another.
std::string change(const std::string& before, const std::string& after) {
    return plan_text(Planning(resources(before)).made(), after);
}

} // namespace

TEST_CASE("the same object under another address is moved") {
    const std::string one = "  a: {type: fake.thing, name: one}\n";
    CHECK(change(one, "  b: {type: fake.thing, name: one}\n") == "a -> b; ");
    CHECK(change(one, "  b: {type: fake.thing, name: one, value: new}\n") == "a -> b; update b; ");
    CHECK(change(one, "  b: {type: fake.thing, name: one, size: 2}\n") ==
          "a -> b; remove old b; replace b; ");
    CHECK(change(one, "  b: {type: fake.thing, name: two}\n") == "create b; remove a; ");
    // a swap, and out of a list
    CHECK(change("  a: {type: fake.thing, name: one}\n  b: {type: fake.thing, name: two}\n",
                 "  a: {type: fake.thing, name: two}\n  b: {type: fake.thing, name: one}\n") ==
          "a -> b; b -> a; ");
    const auto list = [](const char* names) {
        return fmt::format("  a: {{type: fake.thing, count: \"${{length({0})}}\", "
                           "name: \"${{{0}[count.index]}}\"}}\n",
                           names);
    };
    CHECK(change(list("['x', 'y', 'z']"), list("['x', 'z']")) ==
          "a[1] -> a[1]#2; a[2] -> a[1]; remove a[1]#2; ");
    CHECK(change(list("['x', 'y']"),
                 "  b: {type: fake.thing, for_each: [x, y], "
                 "name: \"${each.key}\"}\n") == "a[0] -> b[\"x\"]; a[1] -> b[\"y\"]; ");
    // another type is another object
    CHECK(change(one, "  b: {type: fake.slow, name: one}\n").find("->") == std::string::npos);
}

TEST_CASE("an interrupted replacement is completed at its address") {
    const auto spec = [](const char* name) {
        return fmt::format(
            "  a: {{type: fake.thing, name: {}, lifecycle: {{create_before_destroy: true}}}}\n",
            name);
    };
    PriorState world = Planning(resources(spec("one"))).made();
    const PriorState then = Planning(resources(spec("two"))).made();
    RecordedResource begun = then.recorded.at("a");
    begun.address = "a#2";
    begun.generation = 2;
    world.recorded.emplace("a#2", begun);
    world.observed.emplace("a#2", then.observed.at("a"));
    world.unfinished.insert("a#2");
    world.interrupted.emplace("a#2", ChangeKind::create);
    CHECK(plan_text(world, spec("two")) == "replace a; remove a#1; ");
}

TEST_CASE("a is a[0], whatever it is") {
    CHECK(change("  a: {type: fake.note, text: x}\n",
                 "  a: {type: fake.note, text: x, count: 1}\n") == "a -> a[0]; ");
    CHECK(change("  a: {type: fake.note, text: x, count: 2}\n",
                 "  a: {type: fake.note, text: x}\n") == "a[0] -> a; remove a[1]; ");
}

TEST_CASE("what looks the same and has no name is pointed out, and removed") {
    CHECK(change("  a: {type: fake.note, text: x}\n", "  b: {type: fake.note, text: x}\n") ==
          "create b; remove a; note: a is removed and b, which looks the same, is created; if they "
          "are the same object: moved: [{from: 'a', to: 'b'}]; ");
    CHECK(change("  a: {type: fake.note, text: x}\n", "  b: {type: fake.note, text: y}\n") ==
          "create b; remove a; ");
}

TEST_CASE("moved: entries that contradict the objects are errors") {
    CHECK(change("  a: {type: fake.thing, name: one}\n",
                 "  b: {type: fake.thing, name: one}\n  c: {type: fake.thing, name: two}\n"
                 "moved: [{from: a, to: c}]\n") ==
          "moved: a should become c, but b manages the same object (fake one) (move it to b, or "
          "delete the entry); here; ");
}

TEST_CASE("what stands on a replacement goes before it") {
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

TEST_CASE("what another object has is taken once that has let it go") {
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
