#include "core/file.h"
#include "core/hash.h"
#include "helpers.h"
#include "state/sqlite.h"

#include <set>
#include <sys/resource.h>

using namespace hadeploy;
using namespace testing;

namespace {
std::string integrity(const std::filesystem::path& file) {
    sqlite::Database db(file, sqlite::Database::Access::write);
    sqlite::Statement check(db, "PRAGMA integrity_check");
    check.step();
    return check.text(0);
}
} // namespace

TEST_CASE("killed between begin and finish: the intent is found") {
    const TempDir dir;
    Fork child([&](int fd) {
        const auto store = open_locked(dir / "s");
        store->finish(begun(*store, intent_of("done")).id, row_of("done"));
        begun(*store, intent_of("half"));
        say(fd, 'b');
        ::pause();
        return 0;
    });
    REQUIRE(child.next() == 'b');
    child.kill();
    const auto store = open_locked(dir / "s");
    const auto intents = store->intents();
    REQUIRE(intents.size() == 1);
    CHECK(intents[0].address == "half");
    CHECK(store->rows().size() == 1);
    store->finish(intents[0].id, row_of("half"));
    CHECK(store->intents().empty());
}

TEST_CASE("killed with half a transaction in the file: a reader sees the previous contents" *
          doctest::test_suite(kOnlyFile)) {
    const TempDir dir;
    std::vector<RecordedResource> rows;
    for (int i = 0; i < 1000; ++i) rows.push_back(row_of("r" + std::to_string(i)));
    open_locked(dir / "s")->put(rows, {});
    const std::string before = read_file(dir / "s");
    Fork child([&](int fd) {
        sqlite::Database db(dir / "s", sqlite::Database::Access::write);
        db.run("PRAGMA cache_size = 1"); // so that pages reach the file before the commit
        const sqlite::Transaction transaction(db);
        db.run("UPDATE resources SET type = 'wrong.type'");
        say(fd, 'w');
        ::pause();
        return 0;
    });
    REQUIRE(child.next() == 'w');
    child.kill();
    REQUIRE(read_file(dir / "s") != before); // pages were written
    const auto found = open_ro(dir / "s")->rows();
    CHECK(found.size() == 1000);
    for (const RecordedResource& row : found) REQUIRE(row.type == "fake.thing");
    CHECK(integrity(dir / "s") == "ok");
}

TEST_CASE("killed at any moment, a hundred times: all committed changes are present") {
    const TempDir dir;
    int promised = 0; // finish() calls that returned
    for (int round = 0; round < 100; ++round) {
        Fork child([&](int fd) {
            const auto store = open_locked(dir / "s");
            for (const Intent& left : store->intents()) store->put({}, {left.address});
            for (std::size_t i = store->rows().size();; ++i) {
                const std::string address = std::to_string(i);
                const Intent intent = begun(*store, intent_of(address));
                say(fd, 'b');
                store->finish(intent.id, row_of(address));
                say(fd, 'f');
            }
            return 0;
        });
        // Waits for some messages and then for a random time, so that the kill hits any operation.
        for (int n = 0; n < 1 + round % 4; ++n)
            if (child.next() == 'f') ++promised;
        ::usleep(static_cast<unsigned char>(random_bytes(1)[0]) * 3u);
        child.kill();
        while (const char c = child.next())
            if (c == 'f') ++promised;

        // Rolls back half-written changes in a file; on a server, the lock waits for the end of a
        // transaction that the killed process began.
        const auto reader = test_server().empty() ? open_ro(dir / "s") : open_locked(dir / "s");
        const auto rows = reader->rows().size();
        const auto intents = reader->intents().size();
        CHECK(rows >= static_cast<std::size_t>(promised));
        CHECK(rows <= static_cast<std::size_t>(promised) + 1);
        CHECK(intents <= 1);
        promised = static_cast<int>(rows);
        if (test_server().empty()) REQUIRE(integrity(dir / "s") == "ok");
    }
}

TEST_CASE("killed during creation of the state: the next process creates it") {
    const TempDir dir;
    for (int round = 0; round < 100; ++round) {
        const auto file = dir / ("s" + std::to_string(round));
        Fork child([&](int fd) {
            say(fd, 's');
            open_rw(file);
            return 0;
        });
        child.next();
        ::usleep(static_cast<unsigned char>(random_bytes(1)[0]) * 40u);
        child.kill();
        CHECK(open_locked(file)->serial() == 0);
        CHECK_FALSE(std::filesystem::exists(file.string() + ".new"));
    }
}

TEST_CASE("a failed write is an error, and the store continues when writes succeed again" *
          doctest::test_suite(kOnlyFile)) {
    const TempDir dir;
    Fork child([&](int) {
        const auto store = open_locked(dir / "s");
        const Intent intent = begun(*store, intent_of("a"));
        ::signal(SIGXFSZ, SIG_IGN);
        rlimit limit{};
        ::getrlimit(RLIMIT_FSIZE, &limit);
        const rlim_t before = std::exchange(limit.rlim_cur, 512);
        ::setrlimit(RLIMIT_FSIZE, &limit);
        try {
            store->finish(intent.id, row_of("a"));
            return 1;
        } catch (const Error& e) {
            if (e.kind != ErrorKind::state || e.hint.empty()) return 2;
        }
        limit.rlim_cur = before;
        ::setrlimit(RLIMIT_FSIZE, &limit);
        if (store->intents().size() != 1 || !store->rows().empty()) return 3;
        store->finish(intent.id, row_of("a"));
        return store->rows().size() == 1 ? 0 : 4;
    });
    CHECK(child.wait() == 0);
}
