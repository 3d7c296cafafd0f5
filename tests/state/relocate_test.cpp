// Moves of a whole state between files and databases, which are killed, disturbed and refused.
#include "helpers.h"
#include "state/relocate.h"

#include <utility>

using namespace hadeploy;
using namespace testing;

namespace {
/// Two places for a state with one key.
struct Places {
    StateLocation from, to;
    KeySource key;
};

/// Files, and with a server all combinations with a schema.
std::vector<Places> all_places(const TempDir& dir) {
    const KeySource key = key_at(dir / "any");
    const StateLocation file = dir / "file.db", other = dir / "other.db";
    if (test_server().empty()) return {{file, other, key}};
    return {{file, state_at(dir / "one"), key},
            {state_at(dir / "two"), other, key},
            {state_at(dir / "three"), state_at(dir / "four"), key}};
}

std::unique_ptr<Store> opened_at(const StateLocation& place, const KeySource& key,
                                 Store::Mode mode = Store::Mode::read_only) {
    return Store::open(place, mode, "demo", key);
}
std::unique_ptr<Store> locked(const StateLocation& place, const KeySource& key) {
    auto store = opened_at(place, key, Store::Mode::read_write);
    store->lock("apply", 60'000);
    return store;
}

/// Everything that a user sees of a state.
std::string all_of(const Store& store) {
    std::string out = fmt::format("{} {} {}\n", store.project(), store.lineage(), store.serial());
    out += store.outputs().text("url") + "\n";
    for (const RecordedResource& r : store.rows())
        out += fmt::format("{} {} {} {}\n", r.address, r.identity, r.generation,
                           r.config.text("password"));
    for (const Intent& i : store.intents())
        out += fmt::format("intent {} {} {} {}\n", i.id, i.run, i.address, i.started_ms);
    for (const Run& run : store.runs()) {
        out += fmt::format("run {} {} {} {}\n", run.id, run.command, run.started_ms,
                           run.spec.as_string());
        for (const StepRecord& step : store.steps(run.id)) out += step.address + "\n";
    }
    return out;
}

std::string filled(const Places& places) {
    const auto store = locked(places.from, places.key);
    const std::int64_t run = store->begin_run("apply", Value("the spec"));
    Intent done = begun(*store, intent_of("a"));
    store->finish(done.id, row_of("a"));
    store->record_step(run, {.address = "a", .result = StepResult::done, .after = {"lab"}});
    store->put({row_of("b[\"it's\"]", 3)}, {});
    begun(*store, intent_of("c"));
    store->set_outputs(Value::map({{"url", Value("https://s3cret").as_secret()}}));
    store->end_run(run, RunResult::interrupted, "{}");
    store->begin_run("destroy", Value("another spec"));
    return all_of(*store);
}

state::Relocated relocate(
    const Places& places, const std::function<void(const std::string&)>& tell = [](const auto&) {},
    const std::string& project = "demo") {
    return state::relocate(
        {.from = places.from,
         .to = places.to,
         .project = project,
         .key = places.key,
         .form = {},
         .lock = [](Store& store, const StateLocation&) { store.lock("state migrate", 0); },
         .tell = tell});
}

/// What a state that is open says; or why it is not open.
std::string seen_at(const StateLocation& place, const KeySource& key) {
    try {
        return Store::exists(place) ? all_of(*opened_at(place, key)) : "nothing";
    } catch (const Error& error) {
        return error.message;
    }
}

void alter_at(const StateLocation& place, const std::string& sql) {
    if (place.in_file())
        return sqlite::Database(place.file, sqlite::Database::Access::write).run(sql);
    postgres::Database database(place);
    sql::Transaction transaction(database);
    database.run_script(sql);
    transaction.commit();
}

/// Checks that the state is still used where it was.
void check_unmoved(const Places& places, const std::string& before) {
    CHECK(seen_at(places.from, places.key) == before);
    CHECK_NOTHROW(locked(places.from, places.key));
}
} // namespace

TEST_CASE("a state is moved with its journal and history, and back") {
    const TempDir dir;
    for (const Places& places : all_places(dir)) {
        CAPTURE(places.to.text());
        const std::string before = filled(places);
        const auto waiting = opened_at(places.from, places.key, Store::Mode::read_write);
        const state::Relocated moved = relocate(places);
        CHECK_FALSE(moved.before);
        CHECK(moved.resources == 2);
        CHECK(moved.open_changes == 1);
        CHECK(moved.runs == 2);
        CHECK(seen_at(places.to, places.key) == before);
        for (const Store::Mode mode : {Store::Mode::read_only, Store::Mode::read_write}) {
            const Error error = error_of([&] { opened_at(places.from, places.key, mode); });
            CHECK(error.kind == ErrorKind::state);
            CHECK(has(error.message, "was moved to \"" + places.to.text() + "\""));
            CHECK(has(error.hint, "HADEPLOY_STATE"));
        }
        // it was opened before the move
        CHECK(has(error_of([&] { waiting->lock("apply", 0); }).message, "was moved to"));
        CHECK(relocate(places).before);

        // it can be written at its new place, and a move back takes its new records with it
        locked(places.to, places.key)->put({row_of("d")}, {"a"});
        const std::string after = seen_at(places.to, places.key);
        CHECK(after != before);
        CHECK(relocate(places).before); // without an effect
        CHECK(seen_at(places.to, places.key) == after);
        const Places back{places.to, places.from, places.key};
        CHECK_FALSE(relocate(back).before);
        CHECK(seen_at(places.from, places.key) == after);
        CHECK(has(seen_at(places.to, places.key), "was moved to"));
        locked(places.from, places.key)->put({row_of("e")}, {});
    }
}

TEST_CASE("a move that is killed after any step is completed by the next one") {
    constexpr int steps = 4;
    for (int step = 0; step < steps; ++step) {
        const TempDir dir;
        for (const Places& places : all_places(dir)) {
            CAPTURE(step);
            CAPTURE(places.to.text());
            const std::string before = filled(places);
            Fork child([&](int) {
                int done = 0;
                relocate(places, [&](const std::string&) {
                    if (done++ == step) ::raise(SIGKILL);
                });
                return 0;
            });
            CHECK(child.wait() == 128 + SIGKILL);
            const std::string here = seen_at(places.from, places.key),
                              there = seen_at(places.to, places.key);
            if (step < 2) { // the source is still in use
                CHECK(here == before);
                CHECK(has(there, "is an incomplete copy of"));
                locked(places.from, places.key)->put({row_of("later")}, {});
            } else {
                CHECK(has(here, "was moved to"));
                CHECK((there == before) == (step == 3));
            }
            const state::Relocated moved = relocate(places);
            CHECK(moved.before == (step == 3));
            CHECK(moved.resources == (step < 2 ? 3 : 2));
            if (step >= 2) CHECK(seen_at(places.to, places.key) == before);
            CHECK(has(seen_at(places.from, places.key), "was moved to"));
            CHECK(relocate(places).before);
        }
    }
}

TEST_CASE("a move that is killed at any moment leaves one place at most in use") {
    for (int round = 0; round < 25; ++round) {
        const TempDir dir;
        const std::vector<Places> all = all_places(dir);
        const Places& places = all[static_cast<std::size_t>(round) % all.size()];
        CAPTURE(places.to.text());
        const std::string before = filled(places);
        Fork child([&](int fd) {
            say(fd, 's');
            relocate(places);
            return 0;
        });
        REQUIRE(child.next() == 's');
        ::usleep(static_cast<useconds_t>(round) * 1'500);
        child.kill();
        const bool here = seen_at(places.from, places.key) == before;
        const bool there = seen_at(places.to, places.key) == before;
        CHECK_FALSE((here && there));
        relocate(places);
        CHECK(seen_at(places.to, places.key) == before);
        CHECK(has(seen_at(places.from, places.key), "was moved to"));
    }
}

TEST_CASE("a move refuses a target that contains another state") {
    const TempDir dir;
    for (const Places& places : all_places(dir)) {
        CAPTURE(places.to.text());
        const std::string before = filled(places);
        // an empty state is none
        CHECK_NOTHROW(locked(places.to, places.key));
        CHECK(has(error_of([&] {
                      relocate(
                          places, [](const auto&) {}, "shop");
                  }).message,
                  "belongs to the project \"demo\", not to \"shop\""));
        // even if nothing is left but its history
        locked(places.to, places.key)->begin_run("apply", Value("x"));
        const Error other = error_of([&] { relocate(places); });
        CHECK(has(other.message, "contains a different state"));
        CHECK(has(other.hint, "nothing was changed"));
        check_unmoved(places, before);
        alter_at(places.to, "DELETE FROM runs");
        CHECK_NOTHROW(relocate(places));
        CHECK(seen_at(places.to, places.key) == before);
    }
}

TEST_CASE("a move refuses a state of another project as target") {
    const TempDir dir;
    for (const Places& places : all_places(dir)) {
        const std::string before = filled(places);
        Store::open(places.to, Store::Mode::read_write, "shop", places.key);
        CHECK(has(error_of([&] { relocate(places); }).message,
                  "belongs to the project \"shop\", not to \"demo\""));
        check_unmoved(places, before);
    }
}

TEST_CASE("a move waits for the runs of both places") {
    const TempDir dir;
    for (const Places& places : all_places(dir)) {
        const std::string before = filled(places);
        for (const StateLocation& place : {places.from, places.to}) {
            Fork run([&](int fd) {
                const auto store = locked(place, places.key);
                say(fd, 'l');
                ::pause();
                return 0;
            });
            REQUIRE(run.next() == 'l');
            const Error error = error_of([&] { relocate(places); });
            CHECK(error.kind == ErrorKind::locked);
            CHECK(has(error.message, "is in use: \"apply\" by"));
            run.kill();
            check_unmoved(places, before);
        }
        CHECK_FALSE(relocate(places).before);
    }
}

TEST_CASE("a copy that is not like the original does not count") {
    struct Change {
        const char *sql, *error;
        bool repaired; ///< by the next move
    };
    for (const Change& change :
         {Change{"UPDATE resources SET identity = 'x' WHERE address = 'a'", "altered", true},
          {"DELETE FROM intents", "were removed", false}, // the target does not open any more
          {"DELETE FROM steps", "differs from the state", true}}) {
        const TempDir dir;
        for (const Places& places : all_places(dir)) {
            CAPTURE(change.sql);
            const std::string before = filled(places);
            const Error error = error_of([&] {
                int step = 0;
                relocate(places, [&](const std::string&) {
                    if (step++ == 0) alter_at(places.to, change.sql);
                });
            });
            CHECK(has(error.message, change.error));
            check_unmoved(places, before);
            if (!change.repaired) continue;
            CHECK_FALSE(relocate(places).before);
            CHECK(seen_at(places.to, places.key) == before);
        }
    }
}

TEST_CASE("a state that was altered is not moved") {
    const TempDir dir;
    for (const Places& places : all_places(dir)) {
        filled(places);
        alter_at(places.from, "UPDATE resources SET identity = 'x' WHERE address = 'a'");
        CHECK(has(error_of([&] { relocate(places); }).message, "altered outside hadeploy"));
        CHECK_FALSE(has(seen_at(places.from, places.key), "was moved"));
    }
}

TEST_CASE("nobody without the key can say that a state was moved") {
    const TempDir dir;
    for (const Places& places : all_places(dir)) {
        filled(places);
        alter_at(places.from, "UPDATE project SET relocation = 'moved to postgresql://evil/x'");
        const std::string said = seen_at(places.from, places.key);
        CHECK(has(said, "was altered or moved from a different place"));
        CHECK_FALSE(has(said, "evil"));
    }
}

TEST_CASE("a move of what is not there, or is already at that location, is refused") {
    const TempDir dir;
    for (const Places& places : all_places(dir)) {
        const Error missing = error_of([&] { relocate(places); });
        CHECK(has(missing.message, "there is no state"));
        CHECK_FALSE(Store::exists(places.from));
        CHECK_FALSE(Store::exists(places.to));
        const std::string before = filled(places);
        CHECK(has(error_of([&] {
                      relocate({places.from, places.from, places.key});
                  }).message,
                  "is already at that location"));
        // it was moved to a third place
        const StateLocation third =
            dir / ("third" + std::to_string(before.size()) +
                   std::to_string(std::hash<std::string>{}(places.from.text())));
        relocate({places.from, third, places.key});
        CHECK(has(error_of([&] { relocate(places); }).message,
                  "was moved to \"" + third.text() + "\""));
        // and from there to a fourth
        relocate({third, places.to, places.key});
        CHECK(has(error_of([&] {
                      relocate({places.from, third, places.key});
                  }).message,
                  "was moved to \"" + places.to.text() + "\""));
        CHECK(seen_at(places.to, places.key) == before);
    }
}

TEST_CASE("a state is not reported as moved when its new place was lost") {
    const TempDir dir;
    const Places places{dir / "file.db", dir / "other.db", key_at(dir / "any")};
    filled(places);
    relocate(places);
    std::filesystem::remove(places.to.file);
    CHECK(has(error_of([&] { relocate(places); }).message, "but is no longer there"));
    CHECK_FALSE(Store::exists(places.to));
    opened_at(places.to, places.key, Store::Mode::read_write); // another one
    CHECK(has(error_of([&] { relocate(places); }).message, "but is no longer there"));
}
