// Tests for objects found under another address. tests/histories tests it over many runs.
#include "changed_spec.h"

#include <doctest/doctest.h>

using namespace hadeploy;

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
    PriorState prior = Planning(resources(spec("one"))).made();
    const PriorState then = Planning(resources(spec("two"))).made();
    RecordedResource begun = then.recorded.at("a");
    begun.address = "a#2";
    begun.generation = 2;
    prior.recorded.emplace("a#2", begun);
    prior.observed.emplace("a#2", then.observed.at("a"));
    prior.unfinished.insert("a#2");
    prior.interrupted.emplace("a#2", ChangeKind::create);
    CHECK(plan_text(prior, spec("two")) == "replace a; remove a#1; ");
}

TEST_CASE("a is a[0], also for objects without a name") {
    CHECK(change("  a: {type: fake.note, text: x}\n",
                 "  a: {type: fake.note, text: x, count: 1}\n") == "a -> a[0]; ");
    CHECK(change("  a: {type: fake.note, text: x, count: 2}\n",
                 "  a: {type: fake.note, text: x}\n") == "a[0] -> a; remove a[1]; ");
}

TEST_CASE("an object without a name that looks the same is reported, and removed") {
    CHECK(change("  a: {type: fake.note, text: x}\n", "  b: {type: fake.note, text: x}\n") ==
          "create b; remove a; note: a is removed and b, which has the same attributes, is "
          "created; if they "
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
