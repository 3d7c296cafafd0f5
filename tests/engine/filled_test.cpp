// Attributes that the provider fills in, and create_before_destroy as the default of a type.
#include "engine/lab.h"

#include <doctest/doctest.h>

using namespace hadeploy;

namespace {

std::string placed(const std::string& attributes, const std::string& user = "${p.zone}") {
    return fmt::format(R"(name: test
resources:
  p: {{type: fake.placed, name: p, {}}}
  user: {{type: fake.thing, name: user, value: "{}"}}
)",
                       attributes, user);
}

} // namespace

TEST_CASE("filled: the provider's choice is exported, and is no change of the next plan") {
    Lab lab;
    const std::string spec = placed("value: v", "${p.zone}");
    CHECK(lab.apply(spec).plan == "create p; create user");
    CHECK(lab.world.objects.at("user").text("value") == "zone-of-p");
    CHECK(lab.apply(spec).plan == "");
    // nor does it differ when something else is changed
    CHECK(lab.apply(placed("value: w")).plan == "update p (value,shout)");
    CHECK(lab.world.objects.at("user").text("value") == "zone-of-p");
}

TEST_CASE("filled: a value in the spec is compared, and its removal changes nothing") {
    Lab lab;
    CHECK(lab.apply(placed("zone: here")).result.ok());
    CHECK(lab.world.objects.at("user").text("value") == "here");
    CHECK(lab.apply(placed("value: v, zone: here")).plan == "update p (value)");
    CHECK(lab.apply(placed("value: v")).plan == "");
    // what the spec does not say may change outside: only its users follow
    lab.world.objects["p"] = lab.world.objects["p"].with("zone", "elsewhere");
    CHECK(lab.apply(placed("value: v")).plan == "update user (value,shout)");
}

TEST_CASE("filled: inside an object, only what the spec says is compared") {
    Lab lab;
    const std::string spec = placed("disk: {gib: 8}", "${p.disk.kind} of ${p.disk.gib}");
    CHECK(lab.apply(spec).result.ok());
    CHECK(lab.world.objects.at("user").text("value") == "fast of 8");
    CHECK(lab.apply(spec).plan == "");
    CHECK(lab.apply(placed("disk: {gib: 9}", "${p.disk.kind} of ${p.disk.gib}")).plan ==
          "update p (disk); update user (value,shout)");
    CHECK(lab.world.objects.at("user").text("value") == "fast of 9");
    CHECK(lab.apply(placed("disk: {gib: 9, kind: slow}", "${p.disk.kind}")).plan ==
          "update p (disk); update user (value,shout)");
    CHECK(lab.world.objects.at("user").text("value") == "slow");
}

TEST_CASE("create_before_destroy is the default of a type, and a lifecycle overrides it") {
    const auto named = [](const std::string& name, const std::string& lifecycle) {
        return fmt::format("name: test\nresources:\n  p: {{type: fake.placed, name: {}{}}}\n", name,
                           lifecycle);
    };
    Lab lab;
    CHECK(lab.apply(named("p1", "")).result.ok());
    CHECK(lab.apply(named("p2", "")).plan == "replace p (name); remove p#1");
    CHECK(lab.world.changes() == std::vector<std::string>{"create p2", "remove p1"});
    const std::string off = ", lifecycle: {create_before_destroy: false}";
    CHECK(lab.apply(named("p3", off)).result.ok());
    CHECK(lab.world.changes() == std::vector<std::string>{"remove p2", "create p3"});
    // both would have the same name
    try {
        lab.apply(named("p3, size: 2", ""));
        FAIL("no error");
    } catch (const Error& error) {
        CHECK(error.hint == "make the changed value part of its name, or set "
                            "create_before_destroy: false in its lifecycle");
    }
    CHECK(lab.apply(named("p3, size: 2", off)).result.ok());
}

TEST_CASE("an object that is gone is made again as a new generation, even if apply finds out") {
    Lab lab;
    const std::string spec = R"(name: test
resources:
  m: {type: fake.machine, name: m}
  on: {type: fake.thing, name: on, host: "${m.connection}"}
)";
    CHECK(lab.apply(spec).result.ok());
    const std::string first = lab.world.owners.at("on");
    SUBCASE("as the plan saw") {
        lab.world.objects.erase("on");
        CHECK(lab.apply(spec).plan == "create on");
    }
    SUBCASE("as apply saw, when its machine was up again") {
        lab.world.objects.erase("on");
        lab.world.objects["m"] = lab.world.objects["m"].with("running", false);
        CHECK(lab.apply(spec).plan == "start m (running); read on");
    }
    CHECK(lab.recorded() == "m:1 on:2");
    CHECK(lab.world.owners.at("on") != first);
    CHECK(lab.apply(spec).plan == "");
    // a run that did not get to its end keeps the generation
    lab.world.objects.erase("on");
    lab.world.broken = {"on"};
    CHECK_FALSE(lab.apply(spec).result.ok());
    const std::string begun = lab.intents.at(0).identity;
    lab.world.broken.clear();
    CHECK(lab.apply(spec).result.ok());
    CHECK(lab.recorded() == "m:1 on:3");
    CHECK(lab.world.owners.at("on") == begun);
}
