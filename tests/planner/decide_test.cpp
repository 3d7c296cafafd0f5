// The comparison of one resource's config, record and observation.
#include "planner/plan/decide.h"
#include "support/fake_world.h"

#include <doctest/doctest.h>
#include <fmt/format.h>

using namespace hadeploy;

namespace {

const fake::Thing kThing;

/// A normalized config of a thing.
Value thing(const std::string& value, std::int64_t size = 1) {
    return Value::map({{"name", "a"}, {"value", value}, {"size", size}, {"shout", value + "!"}});
}

RecordedResource record(const Value& config) {
    return {"a", "fake.thing", 1, "id", config, config.with("token", "t"), {}, false};
}

/// "update value,shout: reason", "nothing", or "error: message".
std::string shown_decision(const Decision& d) {
    if (!d.action) return "nothing";
    std::string out(action_name(*d.action));
    for (std::size_t i = 0; i < d.changes.size(); ++i)
        out += (i == 0 ? " " : ",") + d.changes[i].name;
    return d.reason.empty() ? out : out + ": " + d.reason;
}

std::string decided(const Value& config, const RecordedResource* recorded,
                    const Observation& observed, const Interruption& interruption = {}) {
    try {
        return shown_decision(decide(kThing, config, recorded, interruption, observed));
    } catch (const Error& error) {
        return "error: " + error.message;
    }
}

Observation present(const Value& attributes) {
    return Observation::present(attributes);
}

} // namespace

TEST_CASE("decide: an absent object is created") {
    CHECK(decided(thing("x"), nullptr, Observation::absent()) == "create");
    const RecordedResource recorded = record(thing("x"));
    CHECK(decided(thing("x"), &recorded, Observation::absent()) == "create: it is gone");
}

TEST_CASE("decide: an object that is found by its content is not gone when its content changes") {
    ResourceType image;
    image.name = "fake.image";
    image.schema = {{.name = "name", .type = TypeKind::string},
                    {.name = "id", .type = TypeKind::string, .computed = true, .replaces = true}};
    const auto config = [](const char* id) { return Value::map({{"name", "web"}, {"id", id}}); };
    const RecordedResource recorded{"a", "fake.image", 1, "x", config("1"), config("1"), {}, false};
    const auto reason = [&](const Value& wanted) {
        return decide(image, wanted, &recorded, {}, Observation::absent()).reason;
    };
    CHECK(reason(config("1")) == "it is gone");
    CHECK(reason(config("2")) == "its content changed (id)");
    CHECK(reason(config("2").with("id", Value::unknown())) == "it is gone");
}

TEST_CASE("decide: an object as wanted is left alone, or only recorded") {
    const RecordedResource recorded = record(thing("x"));
    CHECK(decided(thing("x"), &recorded, present(thing("x"))) == "nothing");
    CHECK(decided(thing("x"), nullptr, present(thing("x"))) ==
          "adopt: it exists and matches the spec");
}

TEST_CASE("decide: a difference is an update, with its reason if the spec is not it") {
    const RecordedResource recorded = record(thing("x"));
    CHECK(decided(thing("y"), &recorded, present(thing("x"))) == "update value,shout");
    CHECK(decided(thing("x"), &recorded, present(thing("y"))) ==
          "update value,shout: something else changed it");
    CHECK(decided(thing("x"), nullptr, present(thing("y"))) ==
          "update value,shout: it exists, but is not recorded: it is adopted");
}

TEST_CASE("decide: what the provider has chosen is not shown as removed") {
    const Type inner = object_of({{.name = "path", .type = TypeKind::string, .filled = true},
                                  {.name = "limit", .type = TypeKind::string}});
    ResourceType group;
    group.name = "fake.group";
    group.schema = {
        {.name = "check",
         .type = object_of({{.name = "port", .type = TypeKind::integer},
                            {.name = "interval", .type = TypeKind::integer, .filled = true},
                            {.name = "http", .type = inner}})}};
    const auto config = [](const Value& check) { return Value::map({{"check", check}}); };
    const Value have = Value::map(
        {{"port", 80}, {"interval", 30}, {"http", Value::map({{"path", "/"}, {"limit", "1"}})}});
    const Value wanted = config(Value::map({{"port", 81}, {"http", Value::map({{"limit", "2"}})}}));
    const RecordedResource recorded{"a",          "fake.group", 1,  "x",
                                    config(have), config(have), {}, false};
    const Decision d = decide(group, wanted, &recorded, {}, present(config(have)));
    REQUIRE(d.changes.size() == 1);
    CHECK(d.changes[0].after ==
          Value::map({{"port", 81},
                      {"interval", 30},
                      {"http", Value::map({{"path", "/"}, {"limit", "2"}})}}));
}

TEST_CASE("decide: what cannot be changed in place is replaced") {
    const RecordedResource recorded = record(thing("x"));
    CHECK(decided(thing("x", 2), &recorded, present(thing("x"))) ==
          "replace size: size can't be changed in place");
    const Value unknown = thing("x").with("size", Value::unknown());
    const Decision d = decide(kThing, unknown, &recorded, {}, present(thing("x")));
    CHECK(shown_decision(d) ==
          "replace size: size can't be changed in place; whether it differs is known "
          "only after apply");
    CHECK(d.if_differs);
}

TEST_CASE("decide: a tainted or outdated object is replaced") {
    RecordedResource recorded = record(thing("x"));
    Observation outdated = present(thing("x"));
    outdated.replace_reason = "it has expired";
    CHECK(decided(thing("x"), &recorded, outdated) == "replace: it has expired");
    CHECK(decided(thing("x"), nullptr, outdated) == "adopt: it exists and matches the spec");
    recorded.tainted = true;
    CHECK(decided(thing("x"), &recorded, present(thing("x"))) == "replace: it is tainted");
    CHECK(decided(thing("x"), &recorded, Observation::absent()) == "create: it is gone");
}

TEST_CASE("decide: failed is never absent, and other people's objects are left alone") {
    const RecordedResource recorded = record(thing("x"));
    CHECK(decided(thing("x"), &recorded,
                  Observation::failed(Error(ErrorKind::failed, "no answer"))) ==
          "error: no answer");
    Observation foreign = present(thing("x"));
    foreign.foreign = "made by hand";
    CHECK(decided(thing("x"), nullptr, foreign) ==
          "error: an object of this name exists and belongs to somebody else: made by hand");
}

TEST_CASE("decide: an interrupted create is finished") {
    const RecordedResource recorded = record(thing("x"));
    const Interruption create{ChangeKind::create, {}};
    CHECK(decided(thing("x"), &recorded, Observation::absent(), create) ==
          "create: an earlier run did not create it");
    CHECK(decided(thing("x"), &recorded, present(thing("x")), create) ==
          "create: an earlier run did not finish creating it");
    CHECK(decided(thing("x", 2), &recorded, present(thing("x")), create) ==
          "replace size: an earlier run began to create a different object");
}

TEST_CASE("decide: what an interrupted update may have changed unseen is changed again") {
    const Value before = thing("x").with("secret", Value("s").as_secret());
    const RecordedResource recorded = record(before);
    const Value wanted = before.with("secret", Value("t").as_secret());
    const Interruption update{ChangeKind::update,
                              wanted.with(kChangedNames, Value::list({"secret"}))};
    // the secret cannot be read
    CHECK(decided(before, &recorded, present(thing("x")), update) ==
          "update secret: an earlier run did not finish changing it");
    CHECK(decided(before, &recorded, present(thing("x"))) == "nothing");
    const Interruption other{ChangeKind::update,
                             wanted.with(kChangedNames, Value::list({"value"}))};
    CHECK(decided(before, &recorded, present(thing("x")), other) == "nothing");
}

TEST_CASE("decide: after an interrupted removal the object is created again if unseen") {
    const Interruption remove{ChangeKind::remove, {}};
    const RecordedResource recorded = record(thing("x"));
    CHECK(decided(thing("x"), &recorded, present(thing("x")), remove) == "nothing");
    const RecordedResource hidden = record(thing("x").with("secret", Value("s").as_secret()));
    CHECK(decided(hidden.config, &hidden, present(thing("x")), remove) ==
          "create: an earlier run began to remove it");
}

TEST_CASE("decide: before a read only a necessary replacement is known") {
    RecordedResource recorded = record(thing("x"));
    CHECK(shown_decision(decide_unread(kThing, thing("y"), recorded)) == "nothing");
    CHECK(shown_decision(decide_unread(kThing, thing("x", 2), recorded)) ==
          "replace size: size can't be changed in place");
    recorded.tainted = true;
    CHECK(shown_decision(decide_unread(kThing, thing("x"), recorded)) == "replace: it is tainted");
}

TEST_CASE("differs: connections are compared by the machine they lead to") {
    const auto connection = [](const char* address, const char* key) {
        return Value::map({{"address", address}, {"port", 22}, {"host_key", key}});
    };
    const Type type(TypeKind::connection);
    CHECK_FALSE(differs(type, connection("h", "one"), connection("h", "two")));
    CHECK(differs(type, connection("h", "one"), connection("i", "one")));
    CHECK_FALSE(differs(type, connection("h", "k").with("machine", "m"),
                        connection("i", "k").with("machine", "m")));
    CHECK(differs(type, connection("h", "k").with("machine", "m"),
                  connection("h", "k").with("machine", "n")));
}
