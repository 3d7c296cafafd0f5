#include "engine/lab.h"
#include "planner/plan/prior_state.h"

#include <doctest/doctest.h>
#include <sys/wait.h>

using namespace hadeploy;

namespace {

/// `user` rests on `a`, which is to be made anew first when it changes. The name goes along, so
/// that both can be there at once.
std::string spec(int size) {
    return fmt::format(R"(name: test
resources:
  a: {{type: fake.thing, name: a{0}, size: {0}, lifecycle: {{create_before_destroy: true}}}}
  user: {{type: fake.thing, name: user, value: "${{a.token}}"}}
)",
                       size);
}

/// Applies in a process of its own, which is killed before it does what `line` says. The world is
/// in that process alone: the caller says what came of it.
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

/// What a run that was killed has made: the object, with its identity out of the journal.
void was_made(Lab& lab, const std::string& name, int size, const std::string& address) {
    const auto store = Store::open(lab.directory / "state.db", Store::Mode::read_only, "test");
    const PriorState world = load_prior_state(*store);
    const RecordedResource& recorded = world.recorded.at(address);
    lab.world.objects[name] =
        Value::map({{"name", name}, {"size", size}, {"token", "token-of-" + name}});
    lab.world.owners[name] = recorded.identity;
}

} // namespace

TEST_CASE("create_before_destroy: the new one, then who uses it, then the old one goes") {
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

TEST_CASE("create_before_destroy: killed before the new one is there") {
    Lab lab;
    REQUIRE(lab.apply(spec(1)).result.ok());
    killed_before(lab, "create a2", spec(2));
    SUBCASE("the next run goes on with it") {
        const auto next = lab.apply(spec(2));
        CHECK(next.plan == "replace a (name,size); update user (value); remove a#1");
        CHECK(next.result.ok());
        CHECK(lab.objects() == "a2 user");
        CHECK(lab.recorded() == "a:2 user:1");
        CHECK(lab.intents.empty());
    }
    SUBCASE("the spec is taken back: the old one was never touched") {
        const auto back = lab.apply(spec(1));
        CHECK(back.plan == "forget a#2");
        CHECK(back.result.ok());
        CHECK(lab.objects() == "a1 user");
        CHECK(lab.recorded() == "a:1 user:1");
        CHECK(lab.intents.empty());
    }
    CHECK(lab.apply(lab.objects().starts_with("a2") ? spec(2) : spec(1)).plan == "");
}

TEST_CASE("create_before_destroy: killed when the new one is there and not yet recorded") {
    Lab lab;
    REQUIRE(lab.apply(spec(1)).result.ok());
    killed_before(lab, "create a2", spec(2));
    was_made(lab, "a2", 2, "a#2");
    SUBCASE("the next run takes it over") {
        const std::string identity = lab.world.owners.at("a2");
        CHECK(lab.apply(spec(2)).result.ok());
        CHECK(lab.world.owners.at("a2") == identity);
        CHECK(lab.objects() == "a2 user");
    }
    SUBCASE("the spec is taken back: what was begun is removed") {
        CHECK(lab.apply(spec(1)).plan == "remove a#2");
        CHECK(lab.objects() == "a1 user");
    }
    SUBCASE("the spec is another one by now: both go") {
        const auto run = lab.apply(spec(3));
        CHECK(run.result.ok());
        CHECK(run.plan == "replace a (name,size); update user (value); remove a#1; remove a#2");
        CHECK(lab.objects() == "a3 user");
        CHECK(lab.recorded() == "a:3 user:1");
    }
    CHECK(lab.intents.empty());
}

TEST_CASE("create_before_destroy: killed before the old one is gone") {
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

TEST_CASE("create_before_destroy: when the new one can't be made, the old one stays in use") {
    Lab lab;
    REQUIRE(lab.apply(spec(1)).result.ok());
    lab.world.broken = {"a2"};
    const auto run = lab.apply(spec(2));
    CHECK_FALSE(run.result.ok());
    CHECK(run.result.count("skipped") == 2);
    CHECK(lab.objects() == "a1 user");
    CHECK(lab.recorded() == "a:1 user:1");
    lab.world.broken.clear();
    CHECK(lab.apply(spec(2)).result.ok());
    CHECK(lab.objects() == "a2 user");
}

TEST_CASE("create_before_destroy: when who uses it can't be changed, the old one stays") {
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

TEST_CASE("create_before_destroy spreads to what it rests on") {
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

TEST_CASE("create_before_destroy of what lives in the state: the old one is gone at once") {
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

TEST_CASE("what has become another type is made anew, and the old one goes") {
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

TEST_CASE("create_before_destroy: two of one name can't be there at once") {
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

TEST_CASE("keep_on_destroy: the old object stays beside the new one, also after a kill") {
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
    SUBCASE("taken out of the spec") {
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
