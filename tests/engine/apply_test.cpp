#include "engine/lab.h"

#include "state/sqlite.h"

#include <doctest/doctest.h>

using namespace hadeploy;

namespace {

constexpr const char* kTwo = R"(
name: test
resources:
  a: {type: fake.thing, name: a, value: one}
  b: {type: fake.thing, name: b, value: "${a.token}"}
outputs: {b: "${b.shout}"}
)";

constexpr const char* kMachine = R"(
name: test
resources:
  m: {type: fake.machine, name: m}
  x: {type: fake.thing, name: x, value: v, host: "${m.connection}"}
  y: {type: fake.thing, name: y, value: "${x.token}", host: "${m.connection}"}
)";

} // namespace

TEST_CASE("apply creates missing objects in order, and a second apply changes nothing") {
    Lab lab;
    const auto first = lab.apply(kTwo);
    CHECK(first.plan == "create a; create b");
    CHECK(first.result.ok());
    CHECK(lab.world.changes() == std::vector<std::string>{"create a", "create b"});
    CHECK(first.result.outputs.text("b") == "token-of-a!");
    CHECK(lab.rows.size() == 2);
    CHECK(lab.intents.empty());
    const auto second = lab.apply(kTwo);
    CHECK(second.plan == "");
    CHECK(lab.reads == std::vector<std::string>{"read cloud: a b"});
}

TEST_CASE("drift is found and repaired, missing objects are created again") {
    Lab lab;
    lab.apply(kTwo);
    lab.world.objects["a"] = lab.world.objects["a"].with("value", "other").with("shout", "other!");
    CHECK(lab.apply(kTwo).plan == "update a (value,shout)");
    CHECK(lab.world.objects["a"].text("value") == "one");
    lab.world.objects.erase("b");
    CHECK(lab.apply(kTwo).plan == "create b");
    CHECK(lab.apply(kTwo).plan == "");
}

TEST_CASE("a failure leaves its intent and skips dependents, and the next run continues") {
    Lab lab;
    lab.world.broken = {"a"};
    const auto first = lab.apply(kTwo);
    REQUIRE(first.result.errors.size() == 1);
    CHECK(first.result.errors[0].address == "a");
    CHECK(first.result.errors[0].loc.line == 4);
    CHECK(first.result.steps[1].result == StepResult::skipped);
    CHECK(lab.rows.empty());
    REQUIRE(lab.intents.size() == 1);
    lab.world.broken.clear();
    const auto second = lab.apply(kTwo);
    CHECK(second.plan == "create a; create b");
    CHECK(second.result.ok());
    CHECK(lab.intents.empty());
}

TEST_CASE("transient failures are retried, and leave no open intents") {
    Lab lab;
    lab.world.shaky = {{"a", 2}};
    CHECK(lab.apply(kTwo).result.ok());
    CHECK(lab.intents.empty());
    lab.world.shaky = {{"a", 3}};
    lab.world.objects.clear();
    const auto run = lab.apply(kTwo);
    REQUIRE(run.result.errors.size() == 1);
    CHECK(run.result.errors[0].message == "not now");
    CHECK(lab.intents.size() == 1);
    CHECK(lab.apply(kTwo).result.ok());
    CHECK(lab.intents.empty());
}

TEST_CASE("a failed repair delays only its dependents, also on the same host") {
    std::string many = "name: test\nresources:\n  m: {type: fake.machine, name: m}\n";
    for (const char* name : {"bad1", "bad2", "bad3", "bad4", "bad5", "good", "other"})
        many += fmt::format("  {0}: {{type: fake.thing, name: {0}, value: v, host: "
                            "\"${{m.connection}}\"}}\n",
                            name);
    many += "  above: {type: fake.thing, name: above, value: \"${bad1.value}\", host: "
            "\"${m.connection}\"}\n";
    Lab lab;
    lab.apply(many);
    for (auto& [name, object] : lab.world.objects)
        if (name != "m") object = object.with("value", "drifted").with("shout", "drifted!");
    lab.world.broken = {"bad1", "bad2", "bad3", "bad4", "bad5"};
    const auto run = lab.apply(many);
    CHECK(run.result.errors.size() == 5);
    for (const Error& error : run.result.errors) CHECK(error.message == "it broke");
    CHECK(lab.world.objects["good"].text("value") == "v");
    CHECK(lab.world.objects["other"].text("value") == "v");
    CHECK(lab.world.objects["above"].text("value") == "drifted");
    CHECK(lab.intents.size() == 5); // only those of failed changes
    lab.world.broken.clear();
    CHECK(lab.apply(many).result.ok());
    CHECK(lab.apply(many).plan == "");
}

TEST_CASE("a result that cannot be written fails its step, and the next run adopts the object") {
    Lab lab;
    lab.apply("name: test\n");
    const auto sql = [&](const char* text) {
        sqlite::Database(lab.directory / "state.db", sqlite::Database::Access::write).run(text);
    };
    sql("ALTER TABLE resources ADD COLUMN full TEXT CONSTRAINT \"no room\" "
        "CHECK (address <> 'a')");
    const auto first = lab.apply(kTwo);
    CHECK_FALSE(first.result.ok());
    REQUIRE(first.result.errors.size() == 1);
    CHECK(first.result.errors[0].address == "a");
    CHECK(first.result.errors[0].message.find("no room") != std::string::npos);
    CHECK(first.result.steps[1].result == StepResult::skipped);
    CHECK(lab.intents.size() == 1);
    CHECK(lab.world.objects.contains("a")); // it exists nevertheless
    sql("ALTER TABLE resources DROP COLUMN full");
    const auto second = lab.apply(kTwo);
    CHECK(second.result.ok());
    CHECK(lab.intents.empty());
    CHECK(lab.rows.size() == 2);
}

TEST_CASE("resources that exist only in the state are changed together, without intents") {
    constexpr const char* kNotes = R"(
name: test
resources:
  a: {type: fake.note, text: a}
  b: {type: fake.note, text: b}
  c: {type: fake.note, text: c, paper: white}
  d: {type: fake.note, text: "d ${a.token == b.token}"}
)";
    Lab lab;
    lab.world.broken = {"c"};
    const auto first = lab.apply(kNotes);
    CHECK(lab.world.batches == std::vector<std::string>{"a b c", "d false"});
    REQUIRE(first.result.errors.size() == 1);
    CHECK(first.result.errors[0].address == "c");
    CHECK(lab.intents.empty()); // nothing can be partly done
    CHECK(lab.rows.size() == 3);
    // created one after the other, and written together
    lab.world.broken.clear();
    CHECK(lab.apply(kNotes).plan == "create c");
    CHECK(lab.apply(kNotes).plan == "");

    const std::string token = lab.rows[2].attributes.text("token");
    std::string text = kNotes;
    text.replace(text.find("white"), 5, "brown");
    CHECK(lab.apply(text).plan == "replace c (paper)");
    CHECK(lab.rows[2].attributes.text("token") != token);
    lab.world.batches.clear();
    CHECK(lab.apply("name: test\n", true).result.ok());
    CHECK(lab.world.batches.size() == 2); // dependencies are removed last
    CHECK(lab.rows.empty());
}

TEST_CASE("a change waits until its dependencies in the state are written") {
    constexpr const char* kBoth = R"(
name: test
resources:
  a: {type: fake.note, text: a}
  b: {type: fake.note, text: "${a.token}"}
  thing: {type: fake.thing, name: thing, value: "${b.token}"}
  other: {type: fake.thing, name: other}
)";
    Lab lab;
    lab.apply("name: test\n");
    const auto sql = [&](const char* text) {
        sqlite::Database(lab.directory / "state.db", sqlite::Database::Access::write).run(text);
    };
    sql("ALTER TABLE resources ADD COLUMN full TEXT CONSTRAINT \"no room\" "
        "CHECK (address <> 'b')");
    const auto first = lab.apply(kBoth);
    CHECK(first.result.errors.size() == 2); // a and b are written together or not at all
    CHECK(lab.world.changes() == std::vector<std::string>{"create other"});
    CHECK(lab.rows.size() == 1);
    sql("ALTER TABLE resources DROP COLUMN full");
    CHECK(lab.apply(kBoth).result.ok());
    CHECK(lab.world.changes() == std::vector<std::string>{"create thing"});
    CHECK(lab.apply(kBoth).plan == "");
}

TEST_CASE("an object that was created but not recorded is finished, not created twice") {
    Lab lab;
    lab.world.broken = {"a"};
    lab.apply(kTwo); // the intent stays
    lab.world.broken.clear();
    // the object exists nevertheless: the process was killed before it recorded this
    lab.world.objects["a"] = Value::map({{"name", "a"}});
    lab.world.owners["a"] = lab.intents[0].identity;
    CHECK(lab.apply(kTwo).plan == "create a; create b");
    CHECK(lab.world.owners["a"] == lab.rows[0].identity);
    CHECK(lab.apply(kTwo).plan == "");
}

TEST_CASE("an unmanaged object of the same name is an error and is not changed") {
    Lab lab;
    lab.world.objects["a"] = Value::map({{"name", "a"}, {"value", "theirs"}});
    CHECK_THROWS_AS(lab.apply(kTwo), Error);
    CHECK(lab.world.objects["a"].text("value") == "theirs");
    CHECK(lab.world.changes().empty());
}

TEST_CASE("one plan creates a machine and the objects on it") {
    Lab lab;
    const auto first = lab.apply(kMachine);
    CHECK(first.plan == "create m; create x; create y");
    CHECK(first.result.ok());
    // y's config was not known at the first read of its host: it is read separately
    CHECK(lab.world.log ==
          std::vector<std::string>{"create m", "read m: x", "create x", "read m: y", "create y"});
    CHECK(lab.apply(kMachine).plan == "");
    CHECK(lab.reads == std::vector<std::string>{"read cloud: m", "read m: x y"});
}

TEST_CASE("a stopped machine is started before its resources are read and repaired") {
    Lab lab;
    lab.apply(kMachine);
    lab.world.objects["m"] = lab.world.objects["m"].with("running", false);
    lab.world.objects["x"] =
        lab.world.objects["x"].with("value", "drifted").with("shout", "drifted!");
    const auto run = lab.apply(kMachine);
    CHECK(run.plan == "start m (running); read x; read y");
    CHECK(lab.reads == std::vector<std::string>{"read cloud: m"});
    CHECK(lab.world.log == std::vector<std::string>{"update m", "read m: x y", "update x"});
    CHECK(run.result.count(StepResult::unchanged) == 1);
    CHECK(lab.apply(kMachine).plan == "");
}

TEST_CASE("destroy removes the machine and forgets the objects on it") {
    Lab lab;
    lab.apply(kMachine);
    const auto run = lab.apply(kMachine, true);
    CHECK(run.plan == "remove m; forget x; forget y");
    CHECK(lab.world.changes() == std::vector<std::string>{"remove m"});
    CHECK(lab.rows.empty());
    CHECK(lab.intents.empty());
}

TEST_CASE("changes on surviving machines are undone before a machine is removed") {
    constexpr const char* kPair = R"(
name: test
resources:
  m: {type: fake.machine, for_each: [m1, m2], name: "${each.key}"}
  member:
    type: fake.thing
    for_each: ${m[*].connection}
    serial: true
    name: member-${each.key}
    host: ${each.value}
    peers: ${m[*].connection}
  file: {type: fake.thing, for_each: "${m[*].connection}", name: "file-${each.key}", host: "${each.value}"}
)";
    Lab lab;
    lab.apply(kPair);
    std::string one = kPair;
    one.replace(one.find("[m1, m2]"), 8, "[m1]");
    const auto run = lab.apply(one);
    CHECK(run.result.ok());
    CHECK(lab.world.changes() == std::vector<std::string>{"remove member-m2", "remove m2"});
    CHECK(lab.apply(one).plan == "");
    const auto last = lab.apply(one, true);
    for (const Error& e : last.result.errors) MESSAGE(e.address << ": " << e.message);
    CHECK(last.result.ok());
    CHECK(lab.rows.empty());
}

TEST_CASE("missing objects are forgotten at once, regardless of their machine") {
    constexpr const char* kOnHost = R"(
name: test
resources:
  h: {type: fake.host, name: h}
  x: {type: fake.thing, name: x, host: "${h.connection}"}
  y: {type: fake.thing, name: y, host: "${h.connection}"}
)";
    Lab lab;
    REQUIRE(lab.apply(kOnHost).result.ok());
    lab.world.objects.erase("x");
    lab.world.broken = {"y"};
    const auto run = lab.apply(kOnHost, true);
    CHECK(!run.result.ok());
    std::set<std::string> left;
    for (const RecordedResource& row : lab.rows) left.insert(row.address);
    CHECK(left == std::set<std::string>{"h", "y"});
}

TEST_CASE("replacing a machine recreates the resources on it") {
    Lab lab;
    lab.apply(kMachine);
    std::string bigger = kMachine;
    bigger.replace(bigger.find("name: m}"), 8, "name: m, size: 2}");
    for (const char* name : {"x", "y"}) lab.world.objects.erase(name); // as if lost with the disk
    const auto run = lab.apply(bigger);
    CHECK(run.plan == "replace m (size); create x; create y");
    CHECK(run.result.ok());
    CHECK(lab.world.changes() ==
          std::vector<std::string>{"remove m", "create m", "create x", "create y"});
    CHECK(lab.apply(bigger).plan == "");
}

TEST_CASE(
    "an object shared with a lost machine is read from the new machine, after its resources") {
    const char* const spec = R"(
name: test
resources:
  vm: {type: fake.vm, for_each: [x, y], name: "${each.key}"}
  daemon: {type: fake.thing, for_each: [x, y], name: "d-${each.key}", host: "${vm[each.key].connection}"}
  store: {type: fake.shared, name: s, size: 2, peers: "${vm[*].connection}", depends_on: [daemon]}
)";
    Lab lab;
    lab.apply(spec);
    for (const char* name : {"y", "d-y"}) lab.world.objects.erase(name);
    REQUIRE(lab.apply(spec).result.ok());
    const auto& log = lab.world.log;
    const auto daemon = std::find(log.begin(), log.end(), "create d-y");
    REQUIRE(daemon != log.end());
    CHECK(std::find(daemon, log.end(), "read y: s") != log.end());
    CHECK(std::find(daemon, log.end(), "read x: s") == log.end());
}

TEST_CASE("an endpoint that does not answer is an error, and nothing is changed") {
    Lab lab;
    lab.apply(kMachine);
    lab.world.dead_hosts = {"m"};
    try {
        lab.apply(kMachine);
        FAIL("planned without knowing");
    } catch (const Error& errors) {
        CHECK(errors.all().size() == 2);
        CHECK(errors.kind == ErrorKind::unreachable);
        CHECK(errors.message == "m does not answer");
    }
    CHECK(lab.world.changes().empty());
}

TEST_CASE("slow changes have batches of their own, after changes on longer chains") {
    Lab lab;
    lab.apply(R"(
name: test
resources:
  disc: {type: fake.slow, name: disc}
  tape: {type: fake.slow, name: tape}
  foot: {type: fake.thing, name: foot}
  hand: {type: fake.thing, name: hand}
  head: {type: fake.thing, name: head, depends_on: [foot, hand]}
  hair: {type: fake.thing, name: hair, depends_on: [head]}
)");
    CHECK(lab.world.batches ==
          std::vector<std::string>{"foot hand", "head", "disc", "tape", "hair"});
    lab.world.batches.clear();
    lab.apply("name: test\n", true);
    CHECK(lab.world.batches.size() == 3); // hair, then head, then all others in one batch
}

TEST_CASE("a pre-existing machine is adopted unchanged") {
    Lab lab;
    const Value connection =
        Value::map({{"address", "h"}, {"port", 22}, {"user", "ops"}, {"host_key", "given"}});
    lab.world.objects["h"] =
        Value::map({{"name", "h"}, {"size", 1}, {"running", true}, {"connection", connection}});
    const std::string spec = R"(
name: test
resources:
  h: {type: fake.host, name: h}
  x: {type: fake.thing, name: x, host: "${h.connection}"}
)";
    CHECK(lab.apply(spec).plan == "adopt h; create x");
    CHECK(lab.apply(spec).plan == "");
    lab.world.objects["h"] =
        lab.world.objects["h"].with("connection", connection.with("address", "elsewhere"));
    CHECK(lab.apply(spec).plan == "update h (connection)");
}

TEST_CASE("existing objects of an adopting type are only recorded") {
    constexpr const char* kAdopt = R"(
name: test
resources:
  a: {type: fake.adoptable, name: a, value: there}
  b: {type: fake.adoptable, name: b, value: new}
)";
    Lab lab;
    lab.world.objects["a"] = Value::map({{"name", "a"}, {"value", "there"}, {"size", 1}});
    lab.world.objects["b"] = Value::map({{"name", "b"}, {"value", "old"}, {"size", 1}});
    CHECK(lab.apply(kAdopt).plan == "adopt a; update b (value)");
    CHECK(lab.world.changes() == std::vector<std::string>{"update b"});
}

TEST_CASE("a move renames the record and keeps the object") {
    Lab lab;
    REQUIRE(lab.apply(kMachine).result.ok());
    const std::string identity = lab.rows[0].identity;
    // a real host does not report the connection through which it was read
    for (auto& [name, object] : lab.world.objects) object = object.without("host");
    const auto moved = lab.apply(R"(
name: test
moved: [{from: m, to: "host[\"one\"]"}, {from: x, to: z}]
resources:
  host: {type: fake.machine, for_each: [one], name: m}
  z: {type: fake.thing, name: x, value: v, host: "${host['one'].connection}"}
  y: {type: fake.thing, name: y, value: "${z.token}", host: "${host['one'].connection}"}
)");
    CHECK(moved.plan == "");
    CHECK(moved.result.ok());
    REQUIRE(lab.rows.size() == 3);
    CHECK(lab.rows[0].address == "host[\"one\"]");
    CHECK(lab.rows[0].identity == identity);
    CHECK(lab.rows[0].attributes["connection"].text("machine") == "host[\"one\"]");
    CHECK(lab.rows[1].address == "y");
    CHECK(lab.rows[1].depends_on == std::vector<std::string>{"host[\"one\"]", "z"});
    CHECK(lab.rows[2].address == "z");
    CHECK(lab.world.changes().empty());
}

TEST_CASE("a move and a change in one apply") {
    Lab lab;
    REQUIRE(lab.apply(kTwo).result.ok());
    const auto moved = lab.apply(R"(
name: test
moved: [{from: a, to: c}]
resources:
  c: {type: fake.thing, name: a, value: two}
  b: {type: fake.thing, name: b, value: "${c.token}"}
)");
    CHECK(moved.plan == "update c (value,shout)");
    CHECK(moved.result.ok());
    REQUIRE(lab.rows.size() == 2);
    CHECK(lab.rows[1].address == "c");
}

TEST_CASE("removed: the object stays") {
    Lab lab;
    REQUIRE(lab.apply(kTwo).result.ok());
    CHECK(lab.apply("name: test\nremoved: [a]\n").result.ok());
    CHECK(lab.world.objects.contains("a"));
    CHECK_FALSE(lab.world.objects.contains("b"));
    CHECK(lab.rows.empty());
}

TEST_CASE("ignored changes remain ignored when other attributes change") {
    Lab lab;
    REQUIRE(lab.apply("name: t\nresources: {a: {type: fake.thing, name: a, value: one, labels: {x: "
                      "y}}}\n")
                .result.ok());
    const auto run = lab.apply("name: t\nresources: {a: {type: fake.thing, name: a, value: two, "
                               "labels: {x: z}, lifecycle: {ignore_changes: [value]}}}\n");
    CHECK(run.plan == "update a (labels)");
    CHECK(run.result.ok());
    CHECK(lab.world.objects["a"]["value"] == Value("one"));
    CHECK(lab.world.objects["a"]["labels"] == Value::map({{"x", "z"}}));
}

TEST_CASE("protection outlives its block, and applies of other changes") {
    Lab lab;
    const auto spec = [](const char* value, const char* lifecycle) {
        return fmt::format(
            "name: t\nresources: {{a: {{type: fake.thing, name: a, value: {}{}}}}}\n", value,
            lifecycle);
    };
    REQUIRE(lab.apply(spec("one", ", lifecycle: {prevent_destroy: true}")).result.ok());
    REQUIRE(lab.apply(spec("two", "")).result.ok());
    CHECK(lab.world.objects["a"]["value"] == Value("two"));
    CHECK_THROWS_AS(lab.apply("name: t\n"), Error);
    CHECK_THROWS_AS(lab.apply("name: t\n", true), Error);
    CHECK(lab.apply(spec("two", ", lifecycle: {prevent_destroy: false}")).result.ok());
    CHECK(lab.apply("name: t\n").plan == "remove a");
}
