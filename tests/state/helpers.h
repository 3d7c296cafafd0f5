#pragma once

#include "../core/temp_dir.h"
#include "core/error.h"
#include "core/file.h"
#include "state/key_file.h"
#include "state/postgres.h"
#include "state/sqlite.h"
#include "state/store.h"
#include "support/has.h"

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <doctest/doctest.h>
#include <fmt/format.h>
#include <functional>
#include <string>
#include <sys/wait.h>
#include <unistd.h>

namespace testing {

/// The suite of tests of state files alone. All others are run on PostgreSQL too, when the
/// environment has the URL of a server (see postgres_server.py).
inline constexpr const char* kOnlyFile = "file";
inline std::string test_server() {
    const char* url = std::getenv("HADEPLOY_TEST_STATE");
    return url == nullptr ? "" : url;
}

/// The state named by a path: a file, or a schema of its own.
inline hadeploy::StateLocation state_at(const std::filesystem::path& file) {
    if (test_server().empty()) return file;
    return hadeploy::StateLocation::of_url(
        fmt::format("{}&schema=s{:x}", test_server(), std::hash<std::string>{}(file.string())));
}
/// Its key, in a file beside the path.
inline hadeploy::KeySource key_at(const std::filesystem::path& file) {
    return {.passphrase = {}, .key = {}, .file = hadeploy::state::key_file(file)};
}

inline std::unique_ptr<hadeploy::Store> open_rw(const std::filesystem::path& file,
                                                const std::string& project = "demo") {
    if (!test_server().empty())
        std::filesystem::create_directories(file.parent_path()); // of the key
    return hadeploy::Store::open(state_at(file), hadeploy::Store::Mode::read_write, project,
                                 key_at(file));
}
inline std::unique_ptr<hadeploy::Store> open_ro(const std::filesystem::path& file,
                                                const std::string& project = "demo") {
    return hadeploy::Store::open(state_at(file), hadeploy::Store::Mode::read_only, project,
                                 key_at(file));
}
/// Opens the state and takes the lock.
inline std::unique_ptr<hadeploy::Store> open_locked(const std::filesystem::path& file) {
    auto store = open_rw(file);
    store->lock("apply", 60'000);
    return store;
}

inline hadeploy::RecordedResource row_of(const std::string& address, std::int64_t generation = 1) {
    using hadeploy::Value;
    return {address,
            "fake.thing",
            generation,
            "id-" + address,
            Value::map({{"size", 1}, {"password", Value("s3cret").as_secret()}}),
            Value::map({{"size", 1}, {"id", 7}}),
            {"lab"},
            false};
}
inline hadeploy::Intent intent_of(const std::string& address,
                                  hadeploy::ChangeKind action = hadeploy::ChangeKind::create,
                                  std::int64_t generation = 1) {
    hadeploy::Intent intent;
    intent.run = 1;
    intent.address = address;
    intent.type = "fake.thing";
    intent.generation = generation;
    intent.action = action;
    intent.identity = "id-" + address;
    if (action != hadeploy::ChangeKind::remove) intent.config = hadeploy::Value::map({{"size", 1}});
    intent.depends_on = {"lab", "pool"};
    intent.started_ms = 1234;
    return intent;
}
inline hadeploy::Intent begun(hadeploy::Store& store, const hadeploy::Intent& intent) {
    std::vector<hadeploy::Intent> one{intent};
    store.begin(one);
    return one[0];
}

/// Changes the state named by a path as somebody else could.
inline void alter(const std::filesystem::path& file, const std::string& sql) {
    if (test_server().empty()) {
        hadeploy::sqlite::Database(file, hadeploy::sqlite::Database::Access::write).run(sql);
        return;
    }
    hadeploy::postgres::Database database(state_at(file));
    hadeploy::sql::Transaction transaction(database);
    database.run_script(sql);
    transaction.commit();
}

/// Everything that is stored in the state named by a path.
inline std::string stored(const std::filesystem::path& file) {
    if (test_server().empty()) return hadeploy::read_file(file);
    hadeploy::postgres::Database database(state_at(file));
    std::string out;
    for (const char* table : {"hadeploy", "project", "resources", "intents", "runs", "steps"}) {
        const std::string sql = fmt::format("SELECT {0}::text FROM {0} ORDER BY {0}::text", table);
        hadeploy::sql::Statement row(database, sql);
        while (row.step()) out += row.text(0) + "\n";
    }
    // a row is shown with its quotes doubled
    for (auto at = out.find("\"\""); at != out.npos; at = out.find("\"\"", at + 1))
        out.erase(at, 1);
    return out;
}

/// The error that an action throws; fails the test if it throws none.
inline hadeploy::Error error_of(const std::function<void()>& action) {
    try {
        action();
    } catch (const hadeploy::Error& e) {
        return e;
    }
    FAIL("no error was thrown");
    return {hadeploy::ErrorKind::failed, ""};
}

/// A forked process that runs `body` and ends with its return value (99 for an exception). `body`
/// gets a descriptor; next() reads what it writes there.
class Fork {
  public:
    explicit Fork(const std::function<int(int)>& body) {
        int ends[2];
        REQUIRE(::pipe(ends) == 0);
        std::fflush(nullptr); // otherwise the child prints it again
        pid_ = ::fork();
        REQUIRE(pid_ >= 0);
        if (pid_ == 0) {
            ::close(ends[0]);
            int status = 99;
            try {
                status = body(ends[1]);
            } catch (...) {
            }
            ::_exit(status);
        }
        ::close(ends[1]);
        fd_ = ends[0];
    }
    ~Fork() {
        if (pid_ > 0) kill();
        ::close(fd_);
    }
    Fork(const Fork&) = delete;
    Fork& operator=(const Fork&) = delete;

    /// The next character that the child wrote; '\0' at the end.
    char next() {
        char c = '\0';
        return ::read(fd_, &c, 1) == 1 ? c : '\0';
    }
    void kill() {
        ::kill(pid_, SIGKILL);
        wait();
    }
    int wait() {
        int status = 0;
        ::waitpid(pid_, &status, 0);
        pid_ = -1;
        return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    }

  private:
    pid_t pid_ = -1;
    int fd_ = -1;
};
inline void say(int fd, char c) {
    if (::write(fd, &c, 1) != 1) ::_exit(98);
}

} // namespace testing
