// The handling of open intents at the start of a run, depending on the real objects: one test per
// cell of the table in docs/reliability.md. Here a failed change leaves the intent, and the test
// then sets up the objects; tests/sweep leaves intents by real kills.
#include "engine/lab.h"

#include <algorithm>
#include <doctest/doctest.h>

using namespace hadeploy;

namespace {

constexpr const char* kOne = R"(
name: test
resources:
  a: {type: fake.thing, name: a, value: one}
)";
constexpr const char* kTwoThings = R"(
name: test
resources:
  a: {type: fake.thing, name: a, value: two}
)";
constexpr const char* kNone = "name: test\n";

/// Applies with a failure of `a`, whose intent stays in the journal.
void interrupted(Lab& lab, const std::string& text, ChangeKind action, bool destroy = false) {
    lab.world.broken = {"a"};
    CHECK_FALSE(lab.apply(text, destroy).result.ok());
    lab.world.broken.clear();
    REQUIRE(lab.intents.size() == 1);
    REQUIRE(lab.intents[0].address == "a");
    REQUIRE(lab.intents[0].action == action);
}

std::vector<Intent> intents_of(const Lab& lab) {
    return Store::open(lab.directory / "state.db", Store::Mode::read_only, "test")->intents();
}

/// Checks that no intent is open, objects match the state, and the next plan is empty.
void settled(Lab& lab, const std::string& text) {
    CHECK(lab.intents.empty());
    REQUIRE(lab.rows.size() == lab.world.objects.size());
    for (const RecordedResource& row : lab.rows)
        CHECK(lab.world.owners.at(row.address) == row.identity);
    CHECK(lab.apply(text).plan == "");
}

/// Adds the object of the interrupted create.
void make_object(Lab& lab, const Value& object) {
    lab.world.objects["a"] = object;
    lab.world.owners["a"] = lab.intents.at(0).identity;
}

} // namespace

TEST_CASE("create, no object: it is created with the same identity") {
    Lab lab;
    interrupted(lab, kOne, ChangeKind::create);
    const std::string identity = lab.intents[0].identity;
    const auto run = lab.apply(kOne);
    CHECK(run.plan == "create a");
    CHECK(run.result.ok());
    CHECK(lab.rows.at(0).identity == identity);
    settled(lab, kOne);
}

TEST_CASE("create, own object: the create continues from the complete or partial object") {
    Lab lab;
    interrupted(lab, kOne, ChangeKind::create);
    const Value whole = Value::map(
        {{"name", "a"}, {"value", "one"}, {"size", 1}, {"token", "token-of-a"}, {"shout", "one!"}});
    SUBCASE("complete") {
        make_object(lab, whole);
    }
    SUBCASE("partial") {
        make_object(lab, Value::map({{"name", "a"}}));
    }
    const std::string identity = lab.intents[0].identity;
    CHECK(lab.apply(kOne).plan == "create a");
    CHECK(lab.world.changes() == std::vector<std::string>{"create a"}); // without a removal
    CHECK(lab.rows.at(0).identity == identity);
    CHECK(lab.rows.at(0).generation == 1);
    settled(lab, kOne);
}

TEST_CASE("create, another object of the same name: an error, and it is never deleted") {
    for (const bool destroys : {false, true}) {
        CAPTURE(destroys);
        Lab lab;
        interrupted(lab, kOne, ChangeKind::create);
        make_object(lab, Value::map({{"name", "a"}, {"value", "theirs"}}));
        lab.world.owners["a"] = "somebody";
        const auto before = lab.world.objects;
        CHECK_THROWS_AS(lab.apply(kOne), Error);
        CHECK(intents_of(lab).size() == 1);
        // if no longer desired, the intent is removed and the other object kept
        CHECK(lab.apply(destroys ? kOne : kNone, destroys).result.ok());
        CHECK(lab.intents.empty());
        CHECK(lab.rows.empty());
        CHECK(bool(lab.world.objects == before));
        CHECK(lab.world.changes().empty());
    }
}

TEST_CASE("create, started and no longer desired: the object is removed") {
    for (const bool destroys : {false, true})
        for (const bool there : {false, true}) {
            CAPTURE(destroys);
            CAPTURE(there);
            Lab lab;
            interrupted(lab, kOne, ChangeKind::create);
            if (there) make_object(lab, Value::map({{"name", "a"}}));
            CHECK(lab.apply(destroys ? kOne : kNone, destroys).result.ok());
            CHECK(lab.world.changes() ==
                  (there ? std::vector<std::string>{"remove a"} : std::vector<std::string>{}));
            CHECK(lab.world.objects.empty());
            CHECK(lab.rows.empty());
            CHECK(lab.intents.empty());
        }
}

TEST_CASE("create and its removal, both unfinished: the object is still known") {
    for (const bool there : {true, false}) {
        CAPTURE(there);
        Lab lab;
        interrupted(lab, kOne, ChangeKind::create);
        if (there) make_object(lab, Value::map({{"name", "a"}, {"value", "one"}}));
        lab.world.broken = {"a"};
        const bool ok = lab.apply(kNone).result.ok();
        lab.world.broken.clear();
        CHECK(ok == !there); // without an object, no removal is started
        CHECK(lab.apply(kNone).result.ok());
        CHECK(lab.world.objects.empty());
        settled(lab, kNone);
    }
}

TEST_CASE("update: new values are recorded, old ones updated again, others planned again") {
    Lab lab;
    REQUIRE(lab.apply(kOne).result.ok());
    interrupted(lab, kTwoThings, ChangeKind::update);
    const Value object = lab.world.objects["a"];
    std::string plan;
    std::vector<std::string> changes;
    SUBCASE("new") {
        lab.world.objects["a"] = object.with("value", "two").with("shout", "two!");
        plan = "adopt a";
    }
    SUBCASE("old") {
        plan = "update a (value,shout)";
        changes = {"update a"};
    }
    SUBCASE("neither") {
        lab.world.objects["a"] = object.with("value", "three").with("shout", "three!");
        plan = "update a (value,shout)";
        changes = {"update a"};
    }
    SUBCASE("gone") {
        lab.world.objects.clear();
        plan = "create a";
        changes = {"create a"};
    }
    CHECK(lab.apply(kTwoThings).plan == plan);
    CHECK(lab.world.changes() == changes);
    CHECK(lab.rows.at(0).config.text("value") == "two");
    CHECK(lab.world.objects.at("a").text("value") == "two");
    settled(lab, kTwoThings);
}

TEST_CASE("delete: a missing object is recorded, an existing one removed again") {
    for (const bool destroys : {false, true})
        for (const bool there : {false, true}) {
            CAPTURE(destroys);
            CAPTURE(there);
            Lab lab;
            REQUIRE(lab.apply(kOne).result.ok());
            interrupted(lab, kNone, ChangeKind::remove);
            if (!there) lab.world.objects.clear();
            const auto run = lab.apply(destroys ? kOne : kNone, destroys);
            CHECK(run.plan == (there ? "remove a" : "forget a"));
            CHECK(run.result.ok());
            CHECK(lab.world.objects.empty());
            CHECK(lab.rows.empty());
            CHECK(lab.intents.empty());
        }
}

TEST_CASE("delete, and wanted again: a remaining object is kept, a missing one created") {
    for (const bool there : {false, true}) {
        CAPTURE(there);
        Lab lab;
        REQUIRE(lab.apply(kOne).result.ok());
        interrupted(lab, kNone, ChangeKind::remove);
        if (!there) lab.world.objects.clear();
        CHECK(lab.apply(kOne).plan == (there ? "adopt a" : "create a"));
        settled(lab, kOne);
    }
}

TEST_CASE("delete, and in the spec again: attributes that can't be read are applied again") {
    constexpr const char* kSecret = R"(
name: test
resources:
  a: {type: fake.thing, name: a, secret: word}
)";
    Lab lab;
    REQUIRE(lab.apply(kSecret).result.ok());
    interrupted(lab, kNone, ChangeKind::remove);
    CHECK(lab.apply(kSecret).plan == "create a");
    CHECK(lab.world.changes() == std::vector<std::string>{"create a"});
    settled(lab, kSecret);
}

TEST_CASE("intents of unreachable objects are kept, and nothing is changed") {
    constexpr const char* kAlso = R"(
name: test
resources:
  a: {type: fake.thing, name: a, value: two}
  b: {type: fake.thing, name: b, value: "${a.token}"}
)";
    Lab lab;
    SUBCASE("create") {
        interrupted(lab, kOne, ChangeKind::create);
    }
    SUBCASE("update") {
        REQUIRE(lab.apply(kOne).result.ok());
        interrupted(lab, kTwoThings, ChangeKind::update);
    }
    SUBCASE("delete") {
        REQUIRE(lab.apply(kOne).result.ok());
        interrupted(lab, kNone, ChangeKind::remove);
    }
    const ChangeKind action = lab.intents[0].action;
    const auto objects = lab.world.objects;
    for (const bool whole_endpoint : {false, true}) {
        lab.world.dead_hosts.clear();
        lab.world.unreadable.clear();
        if (whole_endpoint)
            lab.world.dead_hosts = {"cloud"};
        else
            lab.world.unreadable = {"a"};
        for (const bool destroys : {false, true})
            CHECK_THROWS_AS(lab.apply(kAlso, destroys), Error);
        CHECK(bool(lab.world.objects == objects));
        const auto left = intents_of(lab);
        REQUIRE(left.size() == 1);
        CHECK(left[0].action == action);
    }
    lab.world.dead_hosts.clear();
    CHECK(lab.apply(kAlso).result.ok());
    settled(lab, kAlso);
}

TEST_CASE("a restored state from before the run: newer objects are found by their identity") {
    Lab lab;
    REQUIRE(lab.apply(kNone).result.ok());
    const auto state = lab.directory / "state.db", kept = lab.directory / "kept";
    std::filesystem::copy_file(state, kept);
    REQUIRE(lab.apply(kOne).result.ok());
    const auto overwrite = std::filesystem::copy_options::overwrite_existing;
    std::filesystem::copy_file(kept, state, overwrite);
    CHECK(lab.apply(kOne).plan == "adopt a");
    CHECK(lab.world.changes().empty());
    settled(lab, kOne);
    std::filesystem::copy_file(kept, state, overwrite);
    CHECK(lab.apply(kTwoThings).plan == "update a (value,shout)");
    settled(lab, kTwoThings);
}

TEST_CASE("changes of an earlier run continue before new ones") {
    constexpr const char* kMore = R"(
name: test
resources:
  long: {type: fake.thing, name: long}
  longer: {type: fake.thing, name: longer, depends_on: [long]}
  a: {type: fake.thing, name: a, value: one}
)";
    Lab lab;
    interrupted(lab, kOne, ChangeKind::create);
    CHECK(lab.apply(kMore).result.ok());
    CHECK(lab.world.changes() ==
          std::vector<std::string>{"create a", "create long", "create longer"});
    settled(lab, kMore);
}

TEST_CASE("the recovery of a thousand resources reads each object once") {
    std::string text = "name: test\nresources:\n";
    constexpr int count = 1000;
    for (int i = 0; i < count; ++i)
        text += fmt::format("  r{0}: {{type: fake.thing, name: r{0}{1}}}\n", i,
                            i % 10 == 0 ? "" : fmt::format(", value: \"${{r{}.token}}\"", i - 1));
    Lab lab;
    for (int i = 500; i < count; i += 3) lab.world.broken.insert(fmt::format("r{}", i));
    CHECK_FALSE(lab.apply(text).result.ok());
    REQUIRE(lab.rows.size() > 100);
    REQUIRE(lab.intents.size() > 10);
    lab.world.broken.clear();
    CHECK(lab.apply(text).result.ok());
    REQUIRE(lab.reads.size() == 1);
    CHECK(std::count(lab.reads[0].begin(), lab.reads[0].end(), ' ') == 1 + count);
    CHECK(lab.world.changes() == lab.world.log); // no reads during apply either
    CHECK(lab.rows.size() == count);
    settled(lab, text);
}
