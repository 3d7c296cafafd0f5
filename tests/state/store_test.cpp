#include "core/uuid.h"
#include "helpers.h"

#include <atomic>
#include <thread>

using namespace hadeploy;
using namespace testing;

TEST_CASE("a new state has a lineage and no rows, and is persistent") {
    const TempDir dir;
    std::string lineage;
    {
        const auto store = open_rw(dir / "sub/state.db");
        lineage = store->lineage();
        CHECK(is_uuid(lineage));
        CHECK(store->serial() == 0);
        CHECK(store->rows().empty());
        CHECK(store->intents().empty());
        CHECK(store->outputs().is_null());
    }
    CHECK(open_rw(dir / "sub/state.db")->lineage() == lineage);
    CHECK(open_ro(dir / "sub/state.db")->lineage() == lineage);
    CHECK(open_rw(dir / "other.db")->lineage() != lineage);
}

TEST_CASE("reading a missing state gives an empty one and creates no file") {
    const TempDir dir;
    const auto store = open_ro(dir / "no/state.db");
    CHECK(store->rows().empty());
    CHECK(store->serial() == 0);
    CHECK(is_uuid(store->lineage()));
    CHECK(store->row("a") == std::nullopt);
    CHECK_FALSE(std::filesystem::exists(dir / "no"));
}

TEST_CASE("begin, finish: the row replaces the intent") {
    const TempDir dir;
    const auto store = open_locked(dir / "s");
    const std::int64_t before = store->serial();
    std::vector<Intent> intents{intent_of("a"), intent_of("b")};
    store->begin(intents);
    CHECK(intents[0].id > 0);
    CHECK(intents[0].id != intents[1].id);
    CHECK(store->serial() == before); // no change yet

    const auto found = store->intents();
    REQUIRE(found.size() == 2);
    CHECK(found[0].address == "a");
    CHECK(found[0].id == intents[0].id);
    CHECK(found[0].run == 1);
    CHECK(found[0].type == "fake.thing");
    CHECK(found[0].action == ChangeKind::create);
    CHECK(found[0].identity == "id-a");
    CHECK(found[0].config == Value::map({{"size", 1}}));
    CHECK(found[0].depends_on == std::vector<std::string>{"lab", "pool"});
    CHECK(found[0].started_ms == 1234);

    store->finish(intents[0].id, row_of("a", 3));
    CHECK(store->serial() == before + 1);
    REQUIRE(store->intents().size() == 1);
    CHECK(store->intents()[0].address == "b");
    const auto row = store->row("a");
    REQUIRE(row);
    CHECK(row->type == "fake.thing");
    CHECK(row->generation == 3);
    CHECK(row->identity == "id-a");
    CHECK(row->config == row_of("a").config);
    CHECK(row->config["password"].secret());
    CHECK(row->attributes == row_of("a").attributes);
    CHECK(row->depends_on == std::vector<std::string>{"lab"});
    CHECK_FALSE(row->tainted);
    CHECK(store->rows().size() == 1);
}

TEST_CASE("an intent ends once") {
    const TempDir dir;
    const auto store = open_locked(dir / "s");
    const Intent intent = begun(*store, intent_of("a"));
    store->finish(intent.id, row_of("a"));
    const std::int64_t serial = store->serial();
    const Error error = error_of([&] { store->finish(intent.id, row_of("changed")); });
    CHECK(error.kind == ErrorKind::state);
    CHECK(has(error.message, "has no intent"));
    CHECK_FALSE(store->row("changed"));
    CHECK(store->serial() == serial);
    CHECK(begun(*store, intent_of("a")).id > intent.id); // numbers are not reused
}

TEST_CASE("a removal removes row and intent, but not a newer generation") {
    const TempDir dir;
    const auto store = open_locked(dir / "s");
    store->put({row_of("a"), row_of("b", 2)}, {});
    store->finish_removed(begun(*store, intent_of("a", ChangeKind::remove)).id, "a");
    store->finish_removed(begun(*store, intent_of("b", ChangeKind::remove, 1)).id, "b");
    store->finish_removed(begun(*store, intent_of("c", ChangeKind::remove)).id, "c"); // had no row
    CHECK_FALSE(store->row("a"));
    CHECK(store->row("b"));
    CHECK(store->intents().empty());
}

TEST_CASE("rows are put and forgotten in one transaction") {
    const TempDir dir;
    const auto store = open_locked(dir / "s");
    store->put({row_of("b"), row_of("a")}, {});
    const std::int64_t serial = store->serial();
    store->put({row_of("c")}, {"a", "none"});
    CHECK(store->serial() == serial + 1);
    store->put({}, {});
    CHECK(store->serial() == serial + 1);
    std::string all;
    for (const RecordedResource& row : store->rows()) all += row.address;
    CHECK(all == "bc");
}

TEST_CASE("rows and open intents move together, also in a swap") {
    const TempDir dir;
    const auto store = open_locked(dir / "s");
    RecordedResource a = row_of("a"), b = row_of("b", 2);
    a.config = Value::map({{"secret", Value("of a").as_secret()}});
    b.config = Value::map({{"secret", Value("of b").as_secret()}});
    store->put({a, b, row_of("c")}, {});
    begun(*store, intent_of("a", ChangeKind::update));
    begun(*store, intent_of("new"));
    const std::int64_t serial = store->serial();
    RecordedResource changes_on_update = row_of("c");
    changes_on_update.depends_on = {"b"};
    std::vector<Intent> open_now = store->intents();
    open_now[0].address = "b";
    open_now[1].address = "newer";
    store->move({{"a", "b"}, {"b", "a"}, {"gone", "nowhere"}}, {changes_on_update}, open_now);
    CHECK(store->serial() == serial + 1);
    CHECK(store->row("a")->generation == 2);
    CHECK(store->row("a")->config == b.config);
    CHECK(store->row("b")->config == a.config); // sealed for its new place
    CHECK(store->row("c")->depends_on == std::vector<std::string>{"b"});
    CHECK(store->rows().size() == 3);
    std::string open;
    for (const Intent& intent : store->intents())
        open += std::string(change_name(intent.action)) + " " + intent.address + " ";
    CHECK(open == "update b create newer ");
}

TEST_CASE("a new intent settles open intents of earlier runs at its address") {
    const TempDir dir;
    const auto store = open_locked(dir / "s");
    begun(*store, intent_of("again"));
    begun(*store, intent_of("adopted"));
    begun(*store, intent_of("forgotten"));
    begun(*store, intent_of("open"));
    Intent later = intent_of("again");
    later.run = 2;
    const Intent now = begun(*store, later);
    begun(*store, later); // in the same run, a remove and a create can both be open
    store->put({row_of("adopted")}, {"forgotten"});
    std::vector<std::string> left;
    for (const Intent& intent : store->intents())
        left.push_back(intent.address + std::to_string(intent.run));
    CHECK(left == std::vector<std::string>{"open1", "again2", "again2"});
    store->finish(now.id, row_of("again"));
}

TEST_CASE("outputs and history") {
    const TempDir dir;
    {
        const auto store = open_locked(dir / "s");
        store->set_outputs(Value::map({{"web", "http://x"}, {"key", Value("k").as_secret()}}));
        const std::int64_t first = store->begin_run("apply", Value::map({{"a", 1}}));
        const std::int64_t second = store->begin_run("destroy", {});
        store->record_step(first, {"a", Action::create, 10, 20, StepResult::done, {}});
        store->record_step(first, {"b", Action::create, 20, 30, StepResult::failed, {"a"}});
        CHECK(store->steps(first).size() == 2); // visible before they are written
        store->end_run(first, RunResult::failed, "{\"failed\":1}");
        store->record_step(first, {"c", Action::create, 30, 40, StepResult::done, {"a", "b"}});
        CHECK(store->steps(first).size() == 3);
        store->end_run(second, RunResult::done, "");
    }
    const auto store = open_ro(dir / "s");
    CHECK(store->outputs()["web"] == Value("http://x"));
    CHECK(store->outputs()["key"].secret());
    const auto runs = store->runs();
    REQUIRE(runs.size() == 2);
    CHECK(runs[0].command == "apply");
    CHECK(runs[0].spec == Value::map({{"a", 1}}));
    CHECK(runs[0].result == RunResult::failed);
    CHECK(runs[0].summary == "{\"failed\":1}");
    CHECK(runs[0].started_ms > 1'600'000'000'000);
    CHECK(runs[0].ended_ms >= runs[0].started_ms);
    const auto steps = store->steps(runs[0].id);
    REQUIRE(steps.size() == 3);
    CHECK(steps[1].address == "b");
    CHECK(steps[1].result == StepResult::failed);
    CHECK(steps[1].started_ms == 20);
    CHECK(steps[1].ended_ms == 30);
    CHECK(steps[2].after == std::vector<std::string>{"a", "b"});
    CHECK(store->steps(runs[1].id).empty());
}

TEST_CASE("a killed run has no end") {
    const TempDir dir;
    open_locked(dir / "s")->begin_run("apply", {});
    const auto runs = open_ro(dir / "s")->runs();
    REQUIRE(runs.size() == 1);
    CHECK(runs[0].ended_ms == 0);
    CHECK(runs[0].result == RunResult::not_ended);
}

TEST_CASE("a hundred thousand random bytes are preserved") {
    const TempDir dir;
    const auto store = open_locked(dir / "s");
    RecordedResource row = row_of("a[\"x'y\"]");
    row.config = Value::map({{"text", std::string(100'000, '\'') + "\n\u00fc\x01"}});
    store->put({row}, {});
    CHECK(store->row(row.address)->config == row.config);
}

TEST_CASE("many threads: calls are atomic, and a failure does not affect others") {
    const TempDir dir;
    const auto store = open_locked(dir / "s");
    constexpr int kThreads = 8, kRounds = 100;
    std::atomic<int> refused = 0;
    std::vector<std::thread> threads;
    for (int t = 0; t < kThreads; ++t)
        threads.emplace_back([&, t] {
            for (int i = 0; i < kRounds; ++i) {
                const std::string address = std::to_string(t) + "-" + std::to_string(i);
                const Intent intent = begun(*store, intent_of(address));
                try {
                    store->finish(1'000'000 + intent.id, row_of("never"));
                } catch (const Error& e) {
                    if (e.message.find("no intent") != std::string::npos) ++refused;
                }
                store->finish(intent.id, row_of(address));
                if (!store->row(address)) ++refused;
            }
        });
    for (std::thread& thread : threads) thread.join();
    CHECK(refused == kThreads * kRounds);
    CHECK(store->rows().size() == kThreads * kRounds);
    CHECK(store->serial() == kThreads * kRounds);
    CHECK(store->intents().empty());
    CHECK_FALSE(store->row("never"));
}
