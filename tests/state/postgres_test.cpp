// What only a state on a server has: its schema, the lease, and lost connections.
#include "helpers.h"
#include "secret_state.h"
#include "state/lock.h"
#include "state/postgres_schema.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <thread>

using namespace hadeploy;
using namespace testing;

#define SERVER_TEST(name)                                                                          \
    TEST_CASE(name* doctest::test_suite("server") * doctest::skip(test_server().empty()))

namespace {
constexpr std::string_view kElsewhere =
    R"({"pid":7,"host":"build-7","user":"ann","boot_id":"another","command":"apply","since_ms":0})";

/// Gives the lease of a state to a process on another machine.
void lease_to_another(const std::filesystem::path& file, const std::string& expires) {
    alter(file, fmt::format("UPDATE project SET epoch = epoch + 1, owner = '{}', expires_at = "
                            "clock_timestamp() + interval '{}'",
                            kElsewhere, expires));
}

/// Ends all connections of a state's server that have been used, but its own. Needs a connection
/// past PgBouncer.
class Cutter {
  public:
    Cutter() : server_(StateLocation::of_url(std::getenv("HADEPLOY_TEST_SERVER"))) {}
    std::int64_t cut() {
        sql::Statement end(server_,
                           "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE "
                           "pid <> pg_backend_pid() AND backend_type = 'client backend' AND query "
                           "<> ''");
        end.step();
        return end.integer(0);
    }

  private:
    postgres::Database server_;
};
} // namespace

SERVER_TEST("each schema is a state of its own, and the names of addresses sort as in a file") {
    const TempDir dir;
    const auto first = open_locked(dir / "one");
    const auto second = open_locked(dir / "two");
    first->put({row_of("b"), row_of("Z"), row_of("a[\"\u00fc\"]"), row_of("a-b")}, {});
    CHECK(second->rows().empty());
    std::string order;
    for (const RecordedResource& row : first->rows()) order += row.address + " ";
    CHECK(order == "Z a-b a[\"\u00fc\"] b ");
    CHECK(has(error_of([&] { open_rw(dir / "one", "shop"); }).message,
              "belongs to the project \"demo\", not to \"shop\""));
    CHECK(has(error_of([&] { open_ro(dir / "one", "shop"); }).hint, "?schema=NAME"));
}

SERVER_TEST("a lease whose owner cannot be read is waited for like any other") {
    const TempDir dir;
    { const auto made = open_locked(dir / "one"); }
    alter(dir / "one", "UPDATE project SET owner = 'damaged', "
                       "expires_at = clock_timestamp() + interval '1 hour'");
    const auto store = open_rw(dir / "one");
    const Error error = error_of([&] { store->lock("apply", 100); });
    CHECK(error.kind == ErrorKind::locked);
    CHECK(has(error.message, "is in use"));
}

SERVER_TEST("a state on a server needs a key that is given") {
    const TempDir dir;
    const Error error = error_of(
        [&] { Store::open(state_at(dir / "s"), Store::Mode::read_write, "demo", KeySource{}); });
    CHECK(has(error.message, "needs a key that all of its users have"));
    CHECK(has(error.hint, "HADEPLOY_STATE_KEY"));
    CHECK_FALSE(Store::exists(state_at(dir / "s")));
    open_rw(dir / "s");
    CHECK(Store::exists(state_at(dir / "s")));
}

SERVER_TEST("a schema of a newer version or of another program is not changed") {
    const TempDir dir;
    open_rw(dir / "newer");
    alter(dir / "newer", "UPDATE hadeploy SET version = 99");
    const auto refused = [&](const char* name) {
        const Error reading = error_of([&] { open_ro(dir / name); });
        const Error writing = error_of([&] { open_rw(dir / name); });
        CHECK(reading.kind == ErrorKind::state);
        CHECK(reading.message == writing.message);
        CHECK(has(reading.hint, "it was not changed"));
        return reading.message;
    };
    CHECK(has(refused("newer"), fmt::format("written by a newer hadeploy (schema 99; this one "
                                            "knows {})",
                                            postgres::migrations().size())));
    const std::string schema = state_at(dir / "foreign").schema;
    alter(dir / "foreign", fmt::format("CREATE SCHEMA {0}; CREATE TABLE {0}.t (x int)", schema));
    CHECK(has(refused("foreign"), "contains tables that are not hadeploy's"));
    alter(dir / "foreign", "CREATE TABLE hadeploy (version bigint)");
    CHECK(has(refused("foreign"), "contains tables that are not hadeploy's"));
}

SERVER_TEST("a migration is one transaction, and concurrent ones run once") {
    const TempDir dir;
    open_rw(dir / "s");
    const auto known = postgres::migrations();
    std::vector<std::string_view> broken(known.begin(), known.end());
    broken.insert(broken.end(), {"CREATE TABLE a (x int)", "INSERT INTO none VALUES (1)"});
    const auto migrate = [&](std::span<const std::string_view> steps) {
        postgres::Database database(state_at(dir / "s"));
        postgres::migrate(database, steps, [] {});
        return postgres::schema_version(database, steps);
    };
    CHECK(error_of([&] { migrate(broken); }).kind == ErrorKind::state);
    CHECK(open_ro(dir / "s")->rows().empty()); // still the first version
    std::vector<std::string_view> good = broken;
    good.back() = "INSERT INTO a VALUES (1)";
    const auto last = static_cast<std::int64_t>(good.size());
    std::vector<std::thread> threads;
    std::atomic<int> done = 0;
    for (int i = 0; i < 6; ++i)
        threads.emplace_back([&] {
            if (migrate(good) == last) ++done;
        });
    for (std::thread& thread : threads) thread.join();
    CHECK(done == 6);
    postgres::Database database(state_at(dir / "s"));
    sql::Statement count(database, "SELECT count(*) FROM a");
    REQUIRE(count.step());
    CHECK(count.integer(0) == 1);
    CHECK(has(error_of([&] { open_rw(dir / "s"); }).message,
              fmt::format("newer hadeploy (schema {}", last)));
}

namespace {
/// Copies the rows of a table from a file.
void copy_rows(sql::Database& from, sql::Database& to, const std::string& table,
               const std::string& columns) {
    sql::Statement rows(from, fmt::format("SELECT {} FROM {}", columns, table));
    const auto count = std::count(columns.begin(), columns.end(), ',') + 1;
    std::string marks = "?";
    for (int i = 1; i < count; ++i) marks += ",?";
    sql::Statement insert(to,
                          fmt::format("INSERT INTO {} ({}) VALUES ({})", table, columns, marks));
    while (rows.step()) {
        std::vector<std::string> cells;
        for (int i = 0; i < count; ++i) cells.push_back(rows.text(i));
        insert.bind_all(cells).run();
    }
}
} // namespace

namespace {
/// Checks that a state of an older schema is read as it is, and upgraded by a writer.
/// @param of_file  the version of files with the same contents
void check_older(std::size_t version_before, int of_file, const std::string& project_columns) {
    const TempDir dir;
    const KeySource key{
        .passphrase = {}, .key = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=", .file = {}};
    write_file(dir / "old", "");
    sqlite::Database old(dir / "old", sqlite::Database::Access::write);
    old.run(read_file(std::filesystem::path(HADEPLOY_SOURCE_DIR) /
                      fmt::format("tests/state/versions/{}.sql", of_file)));
    postgres::Database database(state_at(dir / "s"));
    postgres::migrate(database, postgres::migrations().first(version_before), [&] {
        copy_rows(old, database, "project", project_columns);
        copy_rows(old, database, "resources",
                  "address, type, generation, identity, config, attributes, depends_on, tainted, "
                  "mac");
        copy_rows(old, database, "intents",
                  "id, run, address, type, generation, action, identity, config, depends_on, "
                  "input_hash, started_ms, mac");
        copy_rows(old, database, "runs",
                  "id, command, started_ms, ended_ms, result, spec, summary");
    });
    const auto open = [&](Store::Mode mode) {
        return Store::open(state_at(dir / "s"), mode, "kept", key);
    };
    const auto version = [&] { return postgres::schema_version(database, postgres::migrations()); };
    const auto check = [](const Store& store) {
        CHECK(store.rows().size() == 4);
        CHECK(store.row("note"));
        CHECK(store.intents().size() == 1);
        CHECK(store.outputs().text("greeting") == "hello");
    };
    check(*open(Store::Mode::read_only));
    CHECK(version() == static_cast<std::int64_t>(version_before));
    const auto waits = open(Store::Mode::read_write); // with the key of the older schema
    check(*waits);
    CHECK(version() == static_cast<std::int64_t>(postgres::migrations().size()));
    {
        const auto writer = open(Store::Mode::read_write);
        writer->lock("apply", 0);
        check(*writer);
        writer->put({row_of("more")}, {});
    }
    waits->lock("apply", 5'000);
    CHECK(waits->rows().size() == 5);
    CHECK(open(Store::Mode::read_only)->rows().size() == 5);
    alter(dir / "s", "DELETE FROM resources WHERE address = 'more'");
    CHECK(
        has(error_of([&] { (void)open(Store::Mode::read_only)->rows(); }).message, "were removed"));
}
} // namespace

SERVER_TEST("a state of the first schema is read as it is, and gets its digest from a writer") {
    check_older(1, 5, "id, name, lineage, serial, outputs, key_lock, mac");
}

SERVER_TEST("a state with encrypted digests is read as it is, and upgraded by a writer") {
    check_older(2, 6, "id, name, lineage, serial, outputs, key_lock, mac, digest");
}

SERVER_TEST("a schema with triggers, rules, views or policies is rejected") {
    const std::pair<const char*, const char*> objects[] = {
        {"CREATE TRIGGER t BEFORE UPDATE ON resources FOR EACH ROW EXECUTE FUNCTION "
         "suppress_redundant_updates_trigger()",
         "the trigger \"t\" on \"resources\""},
        {"CREATE RULE r AS ON UPDATE TO project DO INSTEAD NOTHING",
         "the rule \"r\" on \"project\""},
        {"ALTER TABLE steps RENAME TO old; CREATE VIEW steps AS SELECT * FROM old",
         "the rule \"_RETURN\" on \"steps\""},
        {"ALTER TABLE runs ENABLE ROW LEVEL SECURITY", "the row security \"of\" on \"runs\""},
    };
    for (const auto& [sql, says] : objects) {
        CAPTURE(sql);
        const TempDir dir;
        fill(*open_locked(dir / "s"));
        alter(dir / "s", sql);
        for (const auto& open : {open_ro, open_rw}) {
            const Error error = error_of([&] { open(dir / "s", "demo"); });
            CHECK_MESSAGE(has(error.message, says), error.message);
        }
    }
}

SERVER_TEST("the lease of another machine is respected until it expires") {
    const TempDir dir;
    open_rw(dir / "s");
    lease_to_another(dir / "s", "20 seconds");
    const auto store = open_rw(dir / "s");
    const Error error = error_of([&] { store->lock("apply", 300); });
    CHECK(error.kind == ErrorKind::locked);
    CHECK(has(error.message, "is in use: \"apply\" by ann on build-7, pid 7, since 1970"));
    CHECK(has(error.hint, "interrupt it on build-7"));
    REQUIRE(error.notes.size() == 1);
    CHECK(has(error.notes[0].text, "its lease expires in "));
    lease_to_another(dir / "s", "1 second");
    store->lock("apply", 60'000); // waits for the expiry
    store->put({row_of("a")}, {});
}

SERVER_TEST("the error for others says what the holder is changing") {
    const TempDir dir;
    const auto holder = open_locked(dir / "s");
    const std::int64_t run = holder->begin_run("apply", {});
    std::vector<Intent> intents;
    for (const char* address : {"a", "b", "c", "d", "e"}) {
        intents.push_back(intent_of(address));
        intents.back().run = run;
    }
    holder->begin(intents);
    const auto other = open_rw(dir / "s");
    const Error error = error_of([&] { other->lock("destroy", 0); });
    REQUIRE(error.notes.size() == 2);
    CHECK(error.notes[0].text == "it is changing a, b, c and 2 more");
}

SERVER_TEST("a run whose lease was taken over cannot write, and begins no change") {
    const TempDir dir;
    const auto first = open_locked(dir / "s");
    first->check_lock();
    alter(dir / "s", "UPDATE project SET expires_at = '-infinity'"); // as if it had slept
    alter(dir / "s", fmt::format("UPDATE project SET owner = '{}'", kElsewhere));
    const auto second = open_locked(dir / "s");
    const Error error = error_of([&] { first->put({row_of("a")}, {}); });
    CHECK(error.kind == ErrorKind::locked);
    CHECK(has(error.message, "has taken over the state"));
    CHECK(error_of([&] { first->set_outputs({}); }).kind == ErrorKind::locked);
    second->put({row_of("b")}, {});
    CHECK(second->rows().size() == 1);
}

SERVER_TEST("a lease is renewed while its holder is busy with something else") {
    const TempDir dir;
    const auto store = open_locked(dir / "s");
    const auto left = [&] {
        postgres::Database database(state_at(dir / "s"));
        sql::Statement query(database,
                             "SELECT extract(epoch FROM expires_at - now())::bigint FROM project");
        query.step();
        return query.integer(0);
    };
    CHECK(left() > 25);
    std::this_thread::sleep_for(std::chrono::seconds(8));
    CHECK(left() > 25);
}

SERVER_TEST("connections lost at any moment: every write is made once") {
    const TempDir dir;
    constexpr int kThreads = 4, kRounds = 150;
    auto store = open_locked(dir / "s");
    Cutter cutter;
    std::atomic<bool> stop = false;
    std::int64_t cuts = 0;
    std::thread cutting([&] {
        for (unsigned n = 1; !stop; ++n) {
            cuts += cutter.cut();
            std::this_thread::sleep_for(std::chrono::microseconds(n * 7919 % 30'000));
        }
    });
    std::vector<std::thread> threads;
    std::atomic<int> written = 0;
    for (int t = 0; t < kThreads; ++t)
        threads.emplace_back([&, t] {
            for (int i = 0; i < kRounds; ++i) {
                const std::string address = fmt::format("{}-{}", t, i);
                store->finish(begun(*store, intent_of(address)).id, row_of(address));
                ++written;
            }
        });
    for (std::thread& thread : threads) thread.join();
    stop = true;
    cutting.join();
    MESSAGE(cuts, " connections were cut");
    CHECK(cuts > 10);
    CHECK(written == kThreads * kRounds);
    CHECK(store->serial() == kThreads * kRounds); // not one was repeated
    CHECK(store->intents().empty());
    CHECK(store->rows().size() == kThreads * kRounds);
    store.reset();
    CHECK(open_locked(dir / "s")->rows().size() == kThreads * kRounds);
}

SERVER_TEST("a fail-over that lost commits is noticed, and nothing more is written") {
    const TempDir dir;
    const auto store = open_locked(dir / "s");
    store->put({row_of("a")}, {});
    alter(dir / "s", "UPDATE project SET writes = writes - 1");
    for (int i = 0; i < 2; ++i) {
        const Error error = error_of([&] { store->put({row_of("b")}, {}); });
        CHECK(error.kind == ErrorKind::state);
        CHECK(has(error.message, "has lost writes that the server had confirmed"));
    }
    CHECK(open_ro(dir / "s")->rows().size() == 1);
}

SERVER_TEST(
    "a fail-over that lost the takeover is noticed, even if another run has the same number") {
    const TempDir dir;
    const auto first = open_locked(dir / "s");
    SUBCASE("nobody has taken over") {
        alter(dir / "s", "UPDATE project SET epoch = epoch - 1, writes = writes - 1, owner = '', "
                         "expires_at = '-infinity'");
    }
    SUBCASE("somebody has, with the same numbers") {
        alter(dir / "s", fmt::format("UPDATE project SET owner = '{}'", kElsewhere));
    }
    SUBCASE("the project is gone") {
        alter(dir / "s", "DELETE FROM project");
    }
    for (int i = 0; i < 2; ++i) {
        const Error error = error_of([&] { first->put({row_of("a")}, {}); });
        CHECK(error.kind == ErrorKind::state);
        CHECK(has(error.message, "has lost writes that the server had confirmed"));
    }
    CHECK(first->serial() == 0); // as this process knows it
}

SERVER_TEST("a text with a null character is an error, as the server could not store it") {
    const TempDir dir;
    const auto store = open_locked(dir / "s");
    const Error error = error_of([&] { store->put({row_of(std::string("a\0b", 3))}, {}); });
    CHECK(has(error.message, "null character"));
    store->put({row_of("a")}, {});
}
