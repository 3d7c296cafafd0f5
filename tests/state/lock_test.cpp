#include "state/lock.h"

#include "core/file.h"
#include "helpers.h"
#include "state/sqlite.h"

#include <chrono>
#include <sys/stat.h>
#include <thread>

using namespace hadeploy;
using namespace testing;

TEST_CASE("the error for a second process names the first one") {
    const TempDir dir;
    const auto first = open_rw(dir / "s");
    first->lock("apply", 0);
    first->lock("apply", 0); // taking one's own lock again is allowed
    const auto second = open_rw(dir / "s");
    const Error error = error_of([&] { second->lock("destroy", 30); });
    CHECK(error.kind == ErrorKind::locked);
    const std::string pid = std::to_string(::getpid());
    CHECK(has(error.message, "\" is in use: \"apply\" by "));
    CHECK(has(error.message, ", pid " + pid + ", since 20"));
    CHECK(has(error.hint, "kill -INT " + pid));
    CHECK(open_ro(dir / "s")->rows().empty()); // a reader needs no lock
}

TEST_CASE("closing the store releases the lock and clears its file" *
          doctest::test_suite(kOnlyFile)) {
    const TempDir dir;
    open_locked(dir / "s");
    CHECK(read_file(dir / "s.lock").empty());
    open_rw(dir / "s")->lock("apply", 0);
}

TEST_CASE("a waiting process gets the lock when it is released") {
    const TempDir dir;
    auto first = open_locked(dir / "s");
    Fork child([&](int fd) {
        const auto store = open_rw(dir / "s");
        say(fd, 'o');
        store->lock("apply", 60'000);
        store->put({row_of("a")}, {});
        return 0;
    });
    REQUIRE(child.next() == 'o');
    first.reset();
    CHECK(child.wait() == 0);
    CHECK(open_ro(dir / "s")->row("a"));
}

TEST_CASE("a brief holder is waited for even without a timeout" * doctest::test_suite(kOnlyFile)) {
    const TempDir dir;
    open_rw(dir / "s");
    for (const bool brief : {true, false}) {
        Fork child([&](int fd) {
            const state::Lock lock(dir / "s", state::this_process("creating the state", brief), 0);
            say(fd, 'o');
            std::this_thread::sleep_for(std::chrono::milliseconds(200));
            return 0;
        });
        REQUIRE(child.next() == 'o');
        const auto store = open_rw(dir / "s");
        if (brief)
            store->lock("apply", 0);
        else
            CHECK(error_of([&] { store->lock("apply", 0); }).kind == ErrorKind::locked);
        CHECK(child.wait() == 0);
    }
}

TEST_CASE("a dead owner's lock is taken over at once") {
    const TempDir dir;
    for (int round = 0; round < 20; ++round) {
        Fork child([&](int fd) {
            const auto store = open_locked(dir / "s");
            say(fd, 'l');
            ::pause();
            return 0;
        });
        REQUIRE(child.next() == 'l');
        const auto store = open_rw(dir / "s");
        CHECK(error_of([&] { store->lock("apply", 0); }).kind == ErrorKind::locked);
        child.kill();
        store->lock("apply", 0);
    }
}

TEST_CASE("nothing is written without the lock or by a reader") {
    const TempDir dir;
    const auto store = open_rw(dir / "s");
    CHECK(
        has(error_of([&] { store->put({row_of("a")}, {}); }).message, "without holding its lock"));
    const auto reader = open_ro(dir / "s");
    CHECK(error_of([&] { reader->lock("apply", 0); }).kind == ErrorKind::state);
    CHECK(error_of([&] { reader->put({row_of("a")}, {}); }).kind == ErrorKind::state);
    CHECK(open_ro(dir / "s")->rows().empty());
}

TEST_CASE("a run that lost the lock by the removal of its file cannot write any more" *
          doctest::test_suite(kOnlyFile)) {
    const TempDir dir;
    const auto first = open_locked(dir / "s");
    std::filesystem::remove(dir / "s.lock");
    const auto second = open_locked(dir / "s");
    const Error error = error_of([&] { first->put({row_of("a")}, {}); });
    CHECK(error.kind == ErrorKind::locked);
    CHECK(has(error.message, "has taken over the state"));
    second->put({row_of("b")}, {});
    CHECK(second->rows().size() == 1);
}

TEST_CASE("a state that was replaced after opening is not written" *
          doctest::test_suite(kOnlyFile)) {
    const TempDir dir;
    open_rw(dir / "s");
    const auto store = open_rw(dir / "s");
    std::filesystem::copy_file(dir / "s", dir / "copy");
    std::filesystem::permissions(dir / "copy", std::filesystem::perms(0600));
    std::filesystem::rename(dir / "copy", dir / "s");
    CHECK(has(error_of([&] { store->lock("apply", 0); }).message, "replaced by a different file"));
}

TEST_CASE("the lock file is private, and must be a regular file" * doctest::test_suite(kOnlyFile)) {
    const TempDir dir;
    open_locked(dir / "s");
    struct stat info {};
    REQUIRE(::stat((dir / "s.lock").c_str(), &info) == 0);
    CHECK((info.st_mode & 07777u) == 0600);
    std::filesystem::remove(dir / "s.lock");
    const auto store = open_rw(dir / "s");
    std::filesystem::create_symlink(dir / "elsewhere",
                                    dir / "s.lock"); // after the check in open_rw()
    CHECK(has(error_of([&] { store->lock("apply", 0); }).message, "lock file"));
    CHECK_FALSE(std::filesystem::exists(dir / "elsewhere"));
}

TEST_CASE("an invalid text in the lock file does not prevent the message") {
    CHECK_FALSE(state::parse_owner(""));
    CHECK_FALSE(state::parse_owner("{\"pid\":"));
    CHECK_FALSE(state::parse_owner("[]"));
    const auto owner = state::parse_owner("{\"pid\":7,\"host\":\"h\",\"user\":\"u\","
                                          "\"command\":\"a\\u001b[2J\",\"since_ms\":0}");
    REQUIRE(owner);
    CHECK(state::describe(*owner) ==
          "\"a\\x1B[2J\" by u on h, pid 7, since 1970-01-01 00:00:00 UTC");
}

TEST_CASE("two processes, a hundred rounds: all writes are present, none overlap") {
    const TempDir dir;
    open_rw(dir / "s");
    const auto work = [&](const std::string& who) {
        for (int i = 0; i < 100; ++i) {
            const auto store = open_locked(dir / "s");
            const std::size_t before = store->rows().size();
            store->put({row_of(who + std::to_string(i))}, {});
            if (store->rows().size() != before + 1) return 1;
        }
        return 0;
    };
    Fork child([&](int) { return work("child"); });
    CHECK(work("parent") == 0);
    CHECK(child.wait() == 0);
    const auto store = open_ro(dir / "s");
    CHECK(store->rows().size() == 200);
    CHECK(store->serial() == 200);
}

TEST_CASE("waiting to create a state ends when another process has created it" *
          doctest::test_suite(kOnlyFile)) {
    const TempDir dir;
    std::filesystem::create_directory(dir / "d");
    auto making = std::make_unique<state::Lock>(dir / "d/s", state::this_process("making"), 0);
    Fork child([&](int fd) {
        say(fd, 'w');
        const auto store = open_rw(dir / "d/s"); // waits, as the state is missing
        say(fd, 'o');
        return 0;
    });
    REQUIRE(child.next() == 'w');
    open_rw(dir / "other");
    std::filesystem::rename(dir / "other.key", dir / "d/s.key");
    std::filesystem::rename(dir / "other", dir / "d/s"); // created, with the lock still held
    CHECK(child.next() == 'o');
    CHECK(child.wait() == 0);
    making.reset();
}

TEST_CASE("several processes create the state concurrently: all see the same one") {
    const TempDir dir;
    for (int round = 0; round < 10; ++round) {
        const auto file = dir / ("s" + std::to_string(round));
        const auto work = [&](int fd) {
            const std::string lineage = open_rw(file)->lineage();
            for (const char c : lineage) say(fd, c);
            return 0;
        };
        Fork a(work), b(work), c(work);
        CHECK(a.wait() + b.wait() + c.wait() == 0);
        const std::string lineage = open_ro(file)->lineage();
        for (Fork* child : {&a, &b, &c}) {
            std::string seen;
            while (const char letter = child->next()) seen += letter;
            CHECK(seen == lineage);
        }
        CHECK_FALSE(std::filesystem::exists(file.string() + ".new"));
    }
}
