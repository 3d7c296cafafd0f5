// Drift, edited specs and what cannot be read, told apart and repaired.
#include "engine/drift.h"

#include "lab.h"

#include <doctest/doctest.h>

using namespace hadeploy;

namespace {

/// A lab whose project is compared as a watch does.
struct Watched : Lab {
    struct Seen {
        std::string findings; ///< "a drifted: value differs; ..."
        std::string repairable;
        std::size_t in_sync = 0;
        std::string refused; ///< by check_only_repairs() of a plan for `repairable`
        std::string steps;   ///< of that plan
        std::map<std::string, bool> machines;
    };

    Seen look(const std::string& text) {
        Registry registry;
        fake::add_to(registry, world);
        Spec spec;
        load_spec(
            "hadeploy.yaml", [&](const std::filesystem::path&) { return text; }, spec);
        const Graph graph(spec, registry, resolve_variables(spec, {}));
        const auto store = Store::open(directory / "state.db", Store::Mode::read_only, "test");
        const PlanSource source{
            .graph = graph, .settings = provider_settings(graph), .context = {.project = "test"}};
        Events quiet;
        LeftOut left_out;
        const PlannedRun run = read_and_plan_rest(source, *store, quiet, {}, left_out);
        const Comparison seen = compare(graph, run, left_out);
        Seen out{.in_sync = seen.in_sync, .machines = seen.machines};
        for (const auto& [address, f] : seen.findings)
            out.findings += fmt::format("{} {}: {}{}\n", address, condition_name(f.condition),
                                        f.text, f.by_hand.empty() ? "" : " (" + f.by_hand + ")");
        const std::vector<std::string> addresses = seen.repairable();
        out.repairable = fmt::format("{}", fmt::join(addresses, " "));
        if (addresses.empty()) return out;
        const PlannedRun repair = read_and_plan(source, *store, {.targets = addresses}, quiet);
        out.steps = summary(repair.plan);
        try {
            check_only_repairs(repair, addresses);
        } catch (const Error& error) {
            out.refused = error.message;
        }
        return out;
    }

    void change(const std::string& name, const std::string& value) {
        world.objects[name] = world.objects[name].with("value", value);
    }
    void lose(const std::string& name) {
        world.objects.erase(name);
        world.owners.erase(name);
    }
};

constexpr const char* kThings = R"(name: test
resources:
  a: {type: fake.thing, name: a, value: one}
  b: {type: fake.thing, name: b, value: "${a.token}"}
  c: {type: fake.thing, name: c, value: three, size: 3}
)";

std::string with(std::string text, const std::string& from, const std::string& to) {
    return text.replace(text.find(from), from.size(), to);
}

} // namespace

TEST_CASE("drift: nothing") {
    Watched lab;
    REQUIRE(lab.apply(kThings).result.ok());
    const auto seen = lab.look(kThings);
    CHECK(seen.findings.empty());
    CHECK(seen.in_sync == 3);
}

TEST_CASE("drift: changed and lost objects are repaired, and nothing else") {
    Watched lab;
    REQUIRE(lab.apply(kThings).result.ok());
    lab.change("c", "else");
    lab.lose("a");
    const auto seen = lab.look(kThings);
    CHECK(seen.findings == "a drifted: it is gone\nc drifted: value differs\n");
    CHECK(seen.repairable == "a c");
    CHECK(seen.steps == "create a; update c (value)");
    CHECK(seen.refused.empty());
    CHECK(seen.in_sync == 1);
}

TEST_CASE("drift: an edited spec is pending, also on an object that has drifted") {
    Watched lab;
    REQUIRE(lab.apply(kThings).result.ok());
    std::string edited = with(kThings, "value: three", "value: four");
    CHECK(lab.look(edited).findings == "c pending: value, shout differ\n");
    lab.change("c", "else");
    CHECK(lab.look(edited).findings == "c pending: value, shout differ\n");
    lab.lose("c");
    CHECK(lab.look(edited).findings == "c pending: it is gone\n");
    CHECK(lab.look(edited).repairable.empty());
    edited = with(kThings, "  c: {type: fake.thing, name: c, value: three, size: 3}\n", "");
    CHECK(lab.look(edited).findings.find("c pending: ") == 0);
    CHECK(lab.look(std::string(kThings) + "  d: {type: fake.thing, name: d}\n")
              .findings.find("d pending: it is not created yet") != std::string::npos);
}

TEST_CASE("drift: a dependent of something pending is left to a person") {
    Watched lab;
    REQUIRE(lab.apply(kThings).result.ok());
    lab.change("b", "else");
    CHECK(lab.look(kThings).repairable == "b");
    const auto seen = lab.look(with(kThings, "value: one", "value: uno"));
    CHECK(seen.findings == "a pending: value, shout differ\n"
                           "b drifted: value differs (its dependency a does not match the spec)\n");
    CHECK(seen.repairable.empty());
}

TEST_CASE("drift: a replacement is left to a person") {
    Watched lab;
    REQUIRE(lab.apply(kThings).result.ok());
    lab.world.objects["c"] = lab.world.objects["c"].with("size", 4);
    const auto seen = lab.look(kThings);
    CHECK(seen.findings == "c drifted: size differs (it has to be replaced)\n");
    CHECK(seen.repairable.empty());
}

TEST_CASE("drift: an object of somebody else is left to a person") {
    Watched lab;
    REQUIRE(lab.apply(kThings).result.ok());
    lab.world.owners["c"] = "somebody else";
    const auto seen = lab.look(kThings);
    CHECK(seen.findings.find(
              "c drifted: an object of this name exists and belongs to somebody "
              "else: made by hand (the object at its place is not managed by hadeploy)") == 0);
    CHECK(seen.repairable.empty());
}

TEST_CASE("drift: lost data and lost machines are left to a person") {
    constexpr const char* text = R"(name: test
resources:
  disk: {type: fake.disk, name: disk}
  machine: {type: fake.machine, name: machine}
)";
    Watched lab;
    REQUIRE(lab.apply(text).result.ok());
    lab.lose("disk");
    lab.lose("machine");
    CHECK(lab.look(text).findings == "disk drifted: it is gone (the disk disk is gone)\n"
                                     "machine drifted: it is gone (the machine is gone)\n");
}

TEST_CASE("drift: what cannot be read hides nothing else, and is no drift") {
    Watched lab;
    REQUIRE(lab.apply(kThings).result.ok());
    lab.world.unreadable.insert("a");
    lab.change("c", "else");
    const auto seen = lab.look(kThings);
    CHECK(seen.findings == "a unreadable: it can't be read\n"
                           "b unreadable: a dependency cannot be read\n"
                           "c drifted: value differs\n");
    CHECK(seen.repairable == "c");
    CHECK(seen.refused.empty());
}

TEST_CASE("drift: a machine that is off, and what is on it") {
    constexpr const char* text = R"(name: test
resources:
  m: {type: fake.machine, name: m}
  on: {type: fake.thing, name: on, value: x, host: "${m.connection}"}
  other: {type: fake.thing, name: other}
)";
    Watched lab;
    REQUIRE(lab.apply(text).result.ok());
    lab.world.objects["m"] = lab.world.objects["m"].with("running", false);
    const auto seen = lab.look(text);
    CHECK(seen.findings == "m drifted: running differs\non unreadable: its machine is not up\n");
    CHECK(seen.machines == std::map<std::string, bool>{{"m", false}});
    CHECK(seen.repairable == "m");
    CHECK(seen.refused.empty());
    lab.world.objects["m"] = lab.world.objects["m"].with("running", true);
    CHECK(lab.look(text).machines == std::map<std::string, bool>{{"m", true}});
}

TEST_CASE("drift: a failed repair is still drift, and completed by the next one") {
    Watched lab;
    REQUIRE(lab.apply(kThings).result.ok());
    lab.change("c", "else");
    lab.world.broken.insert("c");
    CHECK_FALSE(lab.apply(kThings).result.ok());
    REQUIRE(lab.intents.size() == 1);
    CHECK(lab.look(kThings).repairable == "c");
    lab.change("c", "three"); // somebody repaired it meanwhile
    lab.world.broken.clear();
    const auto seen = lab.look(kThings);
    CHECK(seen.repairable == "c");
    CHECK(seen.refused.empty());
    CHECK(lab.apply(kThings).result.ok());
    CHECK(lab.look(kThings).findings.empty());
}

TEST_CASE("drift: moved resources are pending, and no repair moves them") {
    Watched lab;
    REQUIRE(lab.apply(kThings).result.ok());
    lab.lose("a");
    std::string moved = with(kThings, "  c: ", "  z: ");
    const auto seen = lab.look(moved);
    CHECK(seen.findings == "a drifted: it is gone\nz pending: it was c\n");
    CHECK(seen.refused.find("not repaired: ") == 0);
}

TEST_CASE("drift: an invalid part of the spec is an error of all") {
    Watched lab;
    REQUIRE(lab.apply(kThings).result.ok());
    CHECK_THROWS_AS(lab.look(with(kThings, "size: 3", "size: wide")), Error);
}
