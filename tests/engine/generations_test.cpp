#include "engine/lab.h"
#include "planner/plan/prior_state.h"

#include <doctest/doctest.h>
#include <sys/wait.h>

using namespace hadeploy;

namespace {

/// `user` depends on `a`, which is replaced with the new object first. Its name changes as well, so
/// that both objects can exist at the same time.
std::string spec(int size) {
    return fmt::format(R"(name: test
resources:
  a: {{type: fake.thing, name: a{0}, size: {0}, lifecycle: {{create_before_destroy: true}}}}
  user: {{type: fake.thing, name: user, value: "${{a.token}}"}}
)",
                       size);
}

/// Applies in a child process, which is killed before the change `line`. As its objects exist only
/// in that process, the caller must repeat the changes that it made.
void killed_before(Lab& lab, const std::string& line, const std::string& text) {
    const pid_t child = ::fork();
    REQUIRE(child >= 0);
    if (child == 0) {
        lab.world.dies_before = line;
        lab.apply(text);
        ::_exit(0);
    }
    int status = 0;
    REQUIRE(::waitpid(child, &status, 0) == child);
    REQUIRE(WIFSIGNALED(status));
    REQUIRE(WTERMSIG(status) == SIGKILL);
}

/// Adds an object that a killed run created, with its identity from the journal.
void was_made(Lab& lab, const std::string& name, int size, const std::string& address) {
    const auto store = Store::open(lab.directory / "state.db", Store::Mode::read_only, "test");
    const PriorState prior = load_prior_state(*store);
    const RecordedResource& recorded = prior.recorded.at(address);
    lab.world.objects[name] =
        Value::map({{"name", name}, {"size", size}, {"token", "token-of-" + name}});
    lab.world.owners[name] = recorded.identity;
}

} // namespace

TEST_CASE("create_before_destroy: create the new object, update its users, remove the old one") {
    Lab lab;
    REQUIRE(lab.apply(spec(1)).result.ok());
    const std::string old = lab.world.owners.at("a1");
    const auto run = lab.apply(spec(2));
    CHECK(run.plan == "replace a (name,size); update user (value); remove a#1");
    CHECK(run.result.ok());
    CHECK(lab.world.changes() == std::vector<std::string>{"create a2", "update user", "remove a1"});
    CHECK(lab.recorded() == "a:2 user:1");
    CHECK(lab.world.owners.at("a2") != old);
    CHECK(lab.intents.empty());
    CHECK(lab.apply(spec(2)).plan == "");
    CHECK(lab.apply(spec(3)).plan == "replace a (name,size); update user (value); remove a#2");
    CHECK(lab.objects() == "a3 user");
    const auto gone = lab.apply(spec(3), true);
    CHECK(gone.result.ok());
    CHECK(lab.objects() == "");
    CHECK(lab.rows.empty());
}

TEST_CASE("create_before_destroy: killed before the new object exists") {
    Lab lab;
    REQUIRE(lab.apply(spec(1)).result.ok());
    killed_before(lab, "create a2", spec(2));
    SUBCASE("the next run continues") {
        const auto next = lab.apply(spec(2));
        CHECK(next.plan == "replace a (name,size); update user (value); remove a#1");
        CHECK(next.result.ok());
        CHECK(lab.objects() == "a2 user");
        CHECK(lab.recorded() == "a:2 user:1");
        CHECK(lab.intents.empty());
    }
    SUBCASE("the spec is reverted: the old object was not changed") {
        const auto back = lab.apply(spec(1));
        CHECK(back.plan == "forget a#2");
        CHECK(back.result.ok());
        CHECK(lab.objects() == "a1 user");
        CHECK(lab.recorded() == "a:1 user:1");
        CHECK(lab.intents.empty());
    }
    CHECK(lab.apply(lab.objects().starts_with("a2") ? spec(2) : spec(1)).plan == "");
}

TEST_CASE("create_before_destroy: killed when the new object exists but is not recorded") {
    Lab lab;
    REQUIRE(lab.apply(spec(1)).result.ok());
    killed_before(lab, "create a2", spec(2));
    was_made(lab, "a2", 2, "a#2");
    SUBCASE("the next run adopts it") {
        const std::string identity = lab.world.owners.at("a2");
        CHECK(lab.apply(spec(2)).result.ok());
        CHECK(lab.world.owners.at("a2") == identity);
        CHECK(lab.objects() == "a2 user");
    }
    SUBCASE("the spec is reverted: the new object is removed") {
        CHECK(lab.apply(spec(1)).plan == "remove a#2");
        CHECK(lab.objects() == "a1 user");
    }
    SUBCASE("the spec has changed again: both objects are removed") {
        const auto run = lab.apply(spec(3));
        CHECK(run.result.ok());
        CHECK(run.plan == "replace a (name,size); update user (value); remove a#1; remove a#2");
        CHECK(lab.objects() == "a3 user");
        CHECK(lab.recorded() == "a:3 user:1");
    }
    CHECK(lab.intents.empty());
}

TEST_CASE("create_before_destroy: killed before the old object is removed") {
    Lab lab;
    REQUIRE(lab.apply(spec(1)).result.ok());
    killed_before(lab, "remove a1", spec(2));
    was_made(lab, "a2", 2, "a");
    lab.world.objects["user"] =
        lab.world.objects["user"].with("value", "token-of-a2").with("shout", "token-of-a2!");
    const auto next = lab.apply(spec(2));
    CHECK(next.plan == "remove a#1");
    CHECK(next.result.ok());
    CHECK(lab.objects() == "a2 user");
    CHECK(lab.recorded() == "a:2 user:1");
    CHECK(lab.apply(spec(2)).plan == "");
}

TEST_CASE("create_before_destroy: if the new object cannot be created, the old one stays in use") {
    Lab lab;
    REQUIRE(lab.apply(spec(1)).result.ok());
    lab.world.broken = {"a2"};
    const auto run = lab.apply(spec(2));
    CHECK_FALSE(run.result.ok());
    CHECK(run.result.count(StepResult::skipped) == 2);
    CHECK(lab.objects() == "a1 user");
    CHECK(lab.recorded() == "a:1 user:1");
    lab.world.broken.clear();
    CHECK(lab.apply(spec(2)).result.ok());
    CHECK(lab.objects() == "a2 user");
}

TEST_CASE("create_before_destroy: if a user cannot be changed, the old object is kept") {
    Lab lab;
    REQUIRE(lab.apply(spec(1)).result.ok());
    lab.world.broken = {"user"};
    CHECK_FALSE(lab.apply(spec(2)).result.ok());
    CHECK(lab.objects() == "a1 a2 user");
    CHECK(lab.recorded() == "a:2 a#1:1 user:1");
    lab.world.broken.clear();
    const auto next = lab.apply(spec(2));
    CHECK(next.plan == "update user (value,shout); remove a#1");
    CHECK(lab.objects() == "a2 user");
}

TEST_CASE("create_before_destroy spreads to dependencies") {
    const auto chain = [](int size) {
        return fmt::format(R"(name: test
resources:
  ground: {{type: fake.thing, name: ground{0}, size: {0}}}
  house:
    type: fake.thing
    name: house-${{ground.name}}
    value: ${{ground.token}}
    lifecycle: {{create_before_destroy: true}}
)",
                           size);
    };
    Lab lab;
    REQUIRE(lab.apply(chain(1)).result.ok());
    const auto run = lab.apply(chain(2));
    CHECK(run.result.ok());
    CHECK(lab.world.changes() == std::vector<std::string>{"create ground2", "create house-ground2",
                                                          "remove house-ground1",
                                                          "remove ground1"});
    CHECK(lab.apply(chain(2)).plan == "");
}

TEST_CASE("create_before_destroy in the state only: the old record is removed immediately") {
    const auto note = [](int paper) {
        return fmt::format("name: test\nresources:\n  a: {{type: fake.note, text: a, paper: p{}, "
                           "lifecycle: {{create_before_destroy: true}}}}\n",
                           paper);
    };
    Lab lab;
    REQUIRE(lab.apply(note(1)).result.ok());
    const auto run = lab.apply(note(2));
    CHECK(run.plan == "replace a (paper); remove a#1");
    CHECK(run.result.ok());
    CHECK(lab.recorded() == "a:2");
    CHECK(lab.apply(note(2)).plan == "");
}

TEST_CASE("a resource that changes its type is replaced") {
    const std::string thing = "name: test\nresources: {a: {type: fake.thing, name: a}}\n";
    const std::string note = "name: test\nresources: {a: {type: fake.note, text: a}}\n";
    Lab lab;
    REQUIRE(lab.apply(thing).result.ok());
    for (const auto& [text, there] : {std::pair(note, ""), std::pair(thing, "a")}) {
        const auto run = lab.apply(text);
        CHECK(run.plan.starts_with("replace a; remove a#"));
        CHECK(run.result.ok());
        CHECK(lab.objects() == there);
        CHECK(lab.rows.size() == 1);
        CHECK(lab.apply(text).plan == "");
    }
}

TEST_CASE("create_before_destroy: two objects of one name cannot coexist") {
    Lab lab;
    const auto same = [](int size, const char* more) {
        return fmt::format(
            "name: test\nresources:\n  a: {{type: fake.thing, name: a, size: "
            "{}{}}}\n  b: {{type: fake.thing, name: b{}, value: \"${{a.token}}\"}}\n",
            size, more, "");
    };
    REQUIRE(lab.apply(same(1, "")).result.ok());
    const auto error = [&](const std::string& text) {
        try {
            lab.apply(text);
        } catch (const Error& errors) {
            const Error& e = errors;
            return e.message + (e.notes.empty() ? "" : " | " + e.notes[0].text);
        }
        return std::string("none");
    };
    CHECK(error(same(2, ", lifecycle: {create_before_destroy: true}")) ==
          "create_before_destroy: the new and the old a would both be fake a");
    CHECK(error("name: test\nresources:\n  a: {type: fake.thing, name: a, size: 2}\n  b: {type: "
                "fake.thing, name: b, value: \"${a.token}\", lifecycle: {create_before_destroy: "
                "true}}\n") ==
          "create_before_destroy: the new and the old a would both be fake a | b is created before "
          "its old object is removed, and so are its dependencies");
    CHECK(lab.world.changes().empty());
    CHECK(lab.objects() == "a b");
}

TEST_CASE("keep_on_destroy: the old object stays beside the new one, even after a kill") {
    const auto kept = [](int size) {
        return fmt::format(
            "name: test\nresources:\n  a: {{type: fake.thing, name: a{0}, size: {0}, "
            "lifecycle: {{keep_on_destroy: true}}}}\n  user: {{type: fake.thing, "
            "name: user, value: \"${{a.token}}\"}}\n",
            size);
    };
    Lab lab;
    REQUIRE(lab.apply(kept(1)).result.ok());
    SUBCASE("replaced") {
        const auto run = lab.apply(kept(2));
        CHECK(run.plan == "replace a (name,size); update user (value); forget a#1");
        CHECK(run.result.ok());
        CHECK(lab.world.changes() == std::vector<std::string>{"create a2", "update user"});
        CHECK(lab.objects() == "a1 a2 user");
        CHECK(lab.recorded() == "a:2 user:1");
        CHECK(lab.apply(kept(2)).plan == "");
    }
    SUBCASE("killed between the two") {
        killed_before(lab, "update user", kept(2));
        was_made(lab, "a2", 2, "a");
        const auto next = lab.apply(kept(2));
        CHECK(next.plan == "update user (value,shout); forget a#1");
        CHECK(next.result.ok());
        CHECK(lab.objects() == "a1 a2 user");
        CHECK(lab.recorded() == "a:2 user:1");
    }
    SUBCASE("removed from the spec") {
        const auto run = lab.apply("name: test\n");
        CHECK(run.plan == "forget a; remove user");
        CHECK(run.result.ok());
        CHECK(lab.objects() == "a1");
        CHECK(lab.rows.empty());
    }
    SUBCASE("destroyed") {
        CHECK(lab.apply(kept(1), true).result.ok());
        CHECK(lab.objects() == "a1");
        CHECK(lab.rows.empty());
    }
}
