#include "planner/graph/early.h"
#include "planner/plan/make_plan.h"
#include "planner/plan/prior_state.h"
#include "planner/plan/removal.h"
#include "planner/planned.h"

#include <doctest/doctest.h>

using namespace hadeploy;

namespace {
/// The spec with one resource, `a` or its instances, and the given lifecycle.
std::string spec(const char* lifecycle, const char* more = "") {
    return fmt::format("name: t\nvariables:\n  on: {{type: boolean, default: true}}\n"
                       "  names: {{default: [value]}}\n"
                       "resources:\n"
                       "  a: {{type: fake.thing, name: \"a${{length(local.none)}}\", {} lifecycle: "
                       "{}}}\n"
                       "  b: {{type: fake.thing, name: b}}\nlocals: {{none: [], of_b: "
                       "\"${{b.token}}\"}}\n",
                       more, lifecycle);
}

const LifecycleValues& values_of(const TestSpec& t, const std::string& address) {
    return (*t.graph)[*t.graph->find(address)].lifecycle();
}
} // namespace

TEST_CASE("a lifecycle can use variables, locals, each and count") {
    const TestSpec t(spec("{prevent_destroy: \"${var.on}\", create_before_destroy: \"${!var.on}\", "
                          "keep_on_destroy: \"${length(local.none) == 0}\", "
                          "ignore_changes: \"${concat(var.names, ['labels.x'])}\"}")
                         .c_str());
    const LifecycleValues v = values_of(t, "a");
    CHECK(v.prevent_destroy == true);
    CHECK(v.keep_on_destroy == true);
    CHECK(v.create_before_destroy == false);
    REQUIRE(v.ignored.size() == 2);
    CHECK(v.ignored[0].attribute == "value");
    CHECK(v.ignored[1].path == Path{"x"});
    const TestSpec each(R"(name: t
resources:
  a:
    type: fake.thing
    for_each: {x: true, y: false}
    name: ${each.key}
    lifecycle: {prevent_destroy: "${each.value}", ignore_changes: "${each.key == 'x' ? 'all' : []}"}
  b: {type: fake.thing, count: 2, name: "b${count.index}", lifecycle: {keep_on_destroy: "${count.index == 1}"}}
)");
    CHECK(values_of(each, "a[\"x\"]").prevent_destroy == true);
    CHECK(values_of(each, "a[\"x\"]").ignore_all);
    CHECK(values_of(each, "a[\"y\"]").prevent_destroy == false);
    CHECK_FALSE(values_of(each, "a[\"y\"]").ignore_all);
    CHECK(values_of(each, "b[0]").keep_on_destroy == false);
    CHECK(values_of(each, "b[1]").keep_on_destroy == true);
}

TEST_CASE("a lifecycle can't depend on resources or secrets") {
    const std::string hint = " (it can use variables, locals, each and count)\n";
    const std::string early = ": it must be known before planning" + hint;
    CHECK(errors_of(spec("{prevent_destroy: \"${b.token == ''}\"}")) ==
          "hadeploy.yaml:6:98: prevent_destroy can't depend on b" + early);
    CHECK(errors_of(spec("{create_before_destroy: \"${local.of_b != ''}\"}")) ==
          "hadeploy.yaml:6:107: create_before_destroy can't depend on b" + early);
    CHECK(errors_of(spec("{ignore_changes: [\"${b.token}\"]}")) ==
          "hadeploy.yaml:6:86: ignore_changes can't depend on b" + early);
    CHECK(errors_of(spec("{keep_on_destroy: \"${try(b.token == '', true)}\"}"))
              .find("keep_on_destroy can't depend on b") != std::string::npos);
    CHECK(errors_of(spec("{prevent_destroy: \"${sensitive(true)}\"}"))
              .find("prevent_destroy can't depend on a secret: it would be visible") !=
          std::string::npos);
    CHECK(errors_of(spec("{prevent_destroy: \"${var.of}\"}")) ==
          "hadeploy.yaml:6:90: there is no variable \"of\" (did you mean \"on\"?)\n");
    CHECK(errors_of(spec("{keep_on_destroy: 1}")) ==
          "hadeploy.yaml:6:87: keep_on_destroy: expected a boolean, got an integer (true, false, "
          "or an expression that gives one of them)\n");
    CHECK(errors_of(spec("{ignore_changes: 1}")) ==
          "hadeploy.yaml:6:86: ignore_changes: expected a list of attribute names (for "
          "example: labels, "
          "labels[\"x\"], ports[0])\n");
    // even without any instance
    CHECK(errors_of(spec("{prevent_destroy: 1}", "count: 0, ")).find("expected a boolean") !=
          std::string::npos);
}

TEST_CASE("the block of a removed instance decides whether it may be destroyed") {
    const auto text = [](const char* keys, const char* lifecycle) {
        return fmt::format("name: t\nvariables: {{on: {{default: false}}}}\nresources:\n"
                           "  a: {{type: fake.thing, for_each: {}, name: \"${{each.key}}\", "
                           "lifecycle: {}}}\n",
                           keys, lifecycle);
    };
    const PriorState prior = made(text("[x, y]", "{prevent_destroy: true}"));
    const std::string refused = "a[\"y\"] would be destroyed, but prevent_destroy protects it; ";
    const std::string goes = "remove a[\"y\"] (the spec no longer has it); ";
    CHECK(planned(text("[x]", "{prevent_destroy: true}"), prior) == refused);
    CHECK(planned(text("[x]", "{}"), prior) == refused); // as recorded
    CHECK(planned(text("[x]", "{prevent_destroy: false}"), prior) == goes);
    CHECK(planned(text("[x]", "{prevent_destroy: \"${var.on}\"}"), prior) == goes);
    CHECK(planned(text("[x]", "{prevent_destroy: \"${each.key == 'x'}\"}"), prior) == goes);
    CHECK(planned(text("[x]", "{prevent_destroy: \"${each.key == 'y'}\"}"), prior) == refused);
    // a value that only an existing instance has: as recorded
    CHECK(planned(text("{x: false}", "{prevent_destroy: \"${each.value}\"}"), prior) == refused);
    // a block without instances, or an index
    CHECK(planned("name: t\nresources: {a: {type: fake.thing, count: 1, name: n, lifecycle: "
                  "{prevent_destroy: false}}}\n",
                  prior)
              .find("protects") == std::string::npos);
}

TEST_CASE("the same for instances of a module, with the variables of its call") {
    const auto files = [](const char* keys, const char* on) {
        return TestSpec::Files{
            {"hadeploy.yaml",
             fmt::format("name: t\nmodules:\n  m: {{source: m, for_each: {}, with: {{on: "
                         "\"{}\"}}}}\n",
                         keys, on)},
            {"m/module.yaml", "variables: {on: {type: boolean}}\nresources:\n  a: {type: "
                              "fake.thing, name: \"a${path.module}\", lifecycle: "
                              "{prevent_destroy: \"${var.on}\"}}\n"}};
    };
    const TestSpec one(files("[x]", "${true}"));
    const PriorState prior = made(one);
    const auto planned_with = [&](const char* on) {
        const TestSpec t(files("[]", on));
        try {
            return summary(make_plan(*t.graph, prior, t.settings));
        } catch (const Error& errors) {
            return errors.message;
        }
    };
    CHECK(planned_with("${true}") ==
          "module.m[\"x\"].a would be destroyed, but prevent_destroy protects it");
    CHECK(planned_with("${false}") == "remove module.m[\"x\"].a");
    CHECK(planned_with("${each.key == 'y'}") == "remove module.m[\"x\"].a");
}

TEST_CASE("destroy uses the lifecycles of the spec, if there is one") {
    const PriorState prior = made(spec("{prevent_destroy: true}"));
    const auto destroyed = [&](const char* lifecycle) {
        const TestSpec t(spec(lifecycle).c_str());
        try {
            return summary(make_destroy_plan(prior, t.registry, {}, t.graph.get()));
        } catch (const Error& errors) {
            return errors.message;
        }
    };
    CHECK(destroyed("{prevent_destroy: true}").find("protects it") != std::string::npos);
    CHECK(destroyed("{prevent_destroy: false}") == "remove a; remove b");
    CHECK(destroyed("{keep_on_destroy: true}") == "forget a; remove b");
}

TEST_CASE("keep_on_destroy: the object stays, only the state forgets it") {
    const char* kept = "name: t\nresources: {a: {type: fake.thing, name: a, lifecycle: "
                       "{keep_on_destroy: true}}}\n";
    const PriorState prior = made(kept);
    CHECK(prior.recorded.at("a").config.flag("keep_on_destroy"));
    const std::string stays = "forget a (keep_on_destroy: the object is kept); ";
    CHECK(planned("name: t\n", prior) == stays); // as recorded
    CHECK(planned("name: t\nresources: {a: {type: fake.thing, name: a, lifecycle: "
                  "{keep_on_destroy: false}}}\n",
                  prior) == "");
    PriorState gone = prior;
    gone.observed["a"] = Observation::absent();
    CHECK(planned("name: t\n", gone) == "forget a (it is already gone); ");
    // an object that cannot be destroyed needs no protection
    PriorState both = prior;
    both.recorded["a"].config = both.recorded["a"].config.with("prevent_destroy", true);
    CHECK(planned("name: t\n", both) == stays);
}

TEST_CASE("keep_on_destroy: a replacement is created beside the kept object") {
    const auto text = [](const char* name, int size) {
        return fmt::format("name: t\nresources: {{a: {{type: fake.thing, name: {}, size: {}, "
                           "lifecycle: {{keep_on_destroy: true}}}}}}\n",
                           name, size);
    };
    const PriorState prior = made(text("one", 1));
    CHECK(planned(text("two", 1), prior) == "replace a (name can't be changed in place); forget "
                                            "a#1 (keep_on_destroy: the object is kept); ");
    CHECK(planned(text("one", 2), prior) ==
          "keep_on_destroy: the new a and the old one, which is kept, would both be fake one; ");
    // recorded, but no longer set in the block
    CHECK(planned("name: t\nresources: {a: {type: fake.thing, name: two}}\n", prior) ==
          "replace a (name can't be changed in place); forget a#1 (keep_on_destroy: the object is "
          "kept); ");
}

TEST_CASE("keep_on_destroy: a kept machine keeps the objects on it, a removed one does not") {
    const auto text = [](const char* machine, const char* thing) {
        return fmt::format("name: t\nresources:\n  m: {{type: fake.machine, name: m, lifecycle: "
                           "{}}}\n  a: {{type: fake.thing, name: a, host: \"${{m.connection}}\", "
                           "lifecycle: {}}}\n",
                           machine, thing);
    };
    CHECK(planned("name: t\n", made(text("{keep_on_destroy: true}", "{}"))) ==
          "remove a (the spec no longer has it); forget m (keep_on_destroy: the object is kept); ");
    CHECK(planned("name: t\n", made(text("{}", "{keep_on_destroy: true}"))) ==
          "remove m (the spec no longer has it); forget a (removed with m); ");
}
