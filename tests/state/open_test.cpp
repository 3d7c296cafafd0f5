#include "core/file.h"
#include "helpers.h"
#include "state/file_check.h"
#include "state/migrations.h"
#include "state/sqlite.h"

#include <array>
#include <sys/stat.h>
#include <unistd.h>

using namespace hadeploy;
using namespace testing;

TEST_SUITE_BEGIN("file");
using sqlite::Database;

namespace {
/// Both modes must reject the file with the same message, and leave it unchanged.
Error refused(const std::filesystem::path& file) {
    const std::string before = std::filesystem::is_regular_file(file) ? read_file(file) : "";
    const Error writing = error_of([&] { open_rw(file); });
    const Error reading = error_of([&] { open_ro(file); });
    CHECK(writing.kind == ErrorKind::state);
    CHECK(writing.message == reading.message);
    CHECK(has(writing.message, file.string())); // the path
    CHECK_FALSE(writing.hint.empty());          // the remedy
    if (!before.empty()) CHECK(read_file(file) == before);
    return writing;
}
void patch(const std::filesystem::path& file, std::size_t offset, const std::string& bytes) {
    std::string text = read_file(file);
    text.replace(offset, bytes.size(), bytes);
    write_file(file, text);
}
} // namespace

TEST_CASE("the state file is private") {
    const TempDir dir;
    open_rw(dir / "sub/s");
    struct stat info {};
    REQUIRE(::stat((dir / "sub/s").c_str(), &info) == 0);
    CHECK((info.st_mode & 07777u) == 0600);
    REQUIRE(::stat((dir / "sub").c_str(), &info) == 0);
    CHECK((info.st_mode & 07777u) == 0700);
    std::filesystem::permissions(dir / "sub/s", std::filesystem::perms(0644));
    const Error error = refused(dir / "sub/s");
    CHECK(has(error.message, "accessible to other users (mode 0644)"));
    CHECK(error.hint == "chmod 600 " + (dir / "sub/s").string());
}

TEST_CASE("zero bytes, junk, a directory, a FIFO") {
    const TempDir dir;
    write_file(dir / "empty", "");
    CHECK(has(refused(dir / "empty").message, "is empty (0 bytes)"));
    write_file(dir / "junk", std::string(5'000, 'x'));
    CHECK(has(refused(dir / "junk").message, "is not a state"));
    write_file(dir / "short", "SQL");
    CHECK(has(refused(dir / "short").message, "is not a state"));
    REQUIRE(::mkfifo((dir / "fifo").c_str(), 0600) == 0);
    CHECK(has(error_of([&] { open_rw(dir / "fifo"); }).message, "it is a FIFO"));
    std::filesystem::create_directory(dir / "sub");
    CHECK(has(error_of([&] { open_ro(dir / "sub"); }).message, "it is a directory"));
    std::filesystem::create_symlink(dir / "nowhere", dir / "dangling");
    CHECK(error_of([&] { open_rw(dir / "dangling"); }).kind == ErrorKind::state);
}

TEST_CASE("damage is found before anything is written") {
    const TempDir dir;
    {
        const auto store = open_locked(dir / "s");
        std::vector<RecordedResource> rows;
        for (int i = 0; i < 200; ++i) rows.push_back(row_of("r" + std::to_string(i)));
        store->put(rows, {});
    }
    const std::string whole = read_file(dir / "s");
    SUBCASE("a page of random bytes") {
        patch(dir / "s", 4096 * 3, std::string(4096, '\x5a'));
        const Error error = error_of([&] { open_rw(dir / "s"); });
        CHECK(error.kind == ErrorKind::state);
        CHECK(has(error.message, "is damaged"));
        CHECK(has(error.hint, "backup"));
        CHECK(has(error.hint, ".recover"));
    }
    SUBCASE("truncated in the middle") {
        write_file(dir / "s", whole.substr(0, whole.size() / 2));
        CHECK(has(error_of([&] { open_rw(dir / "s"); }).message, "is damaged"));
    }
    SUBCASE("a damaged schema") {
        patch(dir / "s", 100, std::string(200, '\xff'));
        CHECK(has(refused(dir / "s").message, "is damaged"));
    }
    SUBCASE("a reader reports it too") {
        std::string broken = whole;
        for (std::size_t page = 2; page * 4096 < broken.size(); ++page)
            broken.replace(page * 4096, 64, std::string(64, '\x5a'));
        write_file(dir / "s", broken);
        const Error error = error_of([&] { open_ro(dir / "s")->rows(); });
        CHECK(has(error.message, "is damaged"));
    }
}

namespace {
/// Everything that commands read, each on its own.
std::vector<std::function<void(Store&)>> reads_of_commands() {
    return {[](Store& s) { (void)s.rows(); },    [](Store& s) { (void)s.row("a"); },
            [](Store& s) { (void)s.intents(); }, [](Store& s) { (void)s.runs(); },
            [](Store& s) { (void)s.steps(1); },  [](Store& s) { (void)s.outputs(); },
            [](Store& s) { (void)s.lineage(); }, [](Store& s) { (void)s.serial(); },
            [](Store& s) { (void)s.project(); }};
}

/// "table.column" of the whole schema.
std::vector<std::pair<std::string, std::string>> columns_in(Database& database) {
    std::vector<std::pair<std::string, std::string>> out;
    sqlite::Statement query(database, "SELECT m.name, c.name FROM sqlite_schema m, "
                                      "pragma_table_info(m.name) c WHERE m.type = 'table' AND "
                                      "m.name NOT LIKE 'sqlite%'");
    while (query.step()) out.emplace_back(query.text(0), query.text(1));
    return out;
}
} // namespace

TEST_CASE("whatever is altered in the tables, an error names the state and the next step") {
    const TempDir dir;
    {
        const auto store = open_locked(dir / "whole");
        store->put({row_of("a")}, {});
        const std::int64_t run = store->begin_run("apply", Value::map({{"files", Value::map({})}}));
        store->record_step(run, StepRecord{.address = "a"});
        std::vector<Intent> open{intent_of("a")};
        store->begin(open);
        store->end_run(run, RunResult::done, "{}");
    }
    std::vector<std::pair<std::string, std::string>> columns;
    {
        Database whole(dir / "whole", Database::Access::write);
        columns = columns_in(whole);
    }
    REQUIRE(columns.size() > 30);
    std::size_t refusals = 0;
    const auto attack = [&](const std::string& sql) {
        CAPTURE(sql);
        for (const char* end : {"", ".key"})
            std::filesystem::copy_file((dir / "whole").string() + end, (dir / "s").string() + end,
                                       std::filesystem::copy_options::overwrite_existing);
        try {
            Database(dir / "s", Database::Access::write).run(sql);
        } catch (const Error&) { // the schema does not allow it
            return;
        }
        for (const auto& read : reads_of_commands()) {
            try {
                read(*open_ro(dir / "s"));
            } catch (const Error& error) {
                ++refusals;
                CAPTURE(error.message);
                CHECK(error.kind == ErrorKind::state);
                const auto says = [&](const std::string& part) {
                    return error.message.find(part) != std::string::npos;
                };
                const bool named = says((dir / "s").string()) || says("a secret was altered") ||
                                   (says("the record of \"") && says("altered outside hadeploy"));
                CHECK(named);
                CHECK_FALSE(error.hint.empty());
            }
        }
    };
    for (const auto& [table, column] : columns) {
        attack(fmt::format("ALTER TABLE {} RENAME COLUMN {} TO other", table, column));
        for (const char* value : {"'{\"a\": '", "-5", "''"})
            attack(fmt::format("UPDATE {} SET {} = {}", table, column, value));
    }
    for (const char* table : {"project", "resources", "intents", "runs", "steps"})
        for (const char* sql : {"DROP TABLE {}", "DELETE FROM {}"})
            attack(fmt::format(fmt::runtime(sql), table));
    CHECK(refusals > 100);
}

TEST_CASE("states of another project or a newer version, databases of other programs") {
    const TempDir dir;
    open_rw(dir / "s", "shop");
    const Error error = refused(dir / "s");
    CHECK(has(error.message, "belongs to the project \"shop\", not to \"demo\""));

    std::filesystem::copy_file(dir / "s", dir / "newer");
    Database(dir / "newer", Database::Access::write).run("PRAGMA user_version = 99");
    const Error newer = refused(dir / "newer");
    CHECK(has(newer.message, "newer hadeploy (schema 99"));
    CHECK(has(newer.hint, "it was not changed"));

    write_file(dir / "foreign", "");
    Database(dir / "foreign", Database::Access::write).run("CREATE TABLE t (x)");
    CHECK(has(refused(dir / "foreign").message, "not a state of hadeploy"));
    Database(dir / "foreign", Database::Access::write).run("PRAGMA application_id = 7");
    CHECK(has(refused(dir / "foreign").message, "not a state of hadeploy"));
}

TEST_CASE("a directory that others can write to, or that is a link") {
    const TempDir dir;
    std::filesystem::create_directory(dir / "d");
    open_rw(dir / "d/s");
    const auto both = [&](std::string_view message, std::string_view hint) {
        for (const bool writes : {false, true}) {
            const Error error = error_of([&] {
                if (writes)
                    open_rw(dir / "d/s");
                else
                    open_ro(dir / "d/s");
            });
            CHECK(error.kind == ErrorKind::state);
            CHECK(has(error.message, message));
            CHECK(has(error.hint, hint));
        }
    };
    for (const mode_t mode : {0777u, 01777u, 0770u}) {
        REQUIRE(::chmod((dir / "d").c_str(), mode) == 0);
        both("is writable by other users", "chmod 700");
    }
    REQUIRE(::chmod((dir / "d").c_str(), 0700) == 0);
    if (::geteuid() == 0) {
        REQUIRE(::chown((dir / "d").c_str(), 65534, 65534) == 0);
        both("belongs to another user (uid 65534)", "chown -R 0");
        REQUIRE(::chown((dir / "d").c_str(), 0, 0) == 0);
    }
    std::filesystem::rename(dir / "d", dir / "elsewhere");
    std::filesystem::create_directory_symlink("elsewhere", dir / "d");
    both("is a symbolic link", "replace the link");
}

TEST_CASE("other kinds of files with the names of the journal and the lock") {
    const TempDir dir;
    open_rw(dir / "s");
    for (const char* name : {"s-journal", "s-wal", "s-shm", "s.lock"})
        for (const bool link : {false, true}) {
            INFO(name);
            std::filesystem::remove(dir / name);
            if (link)
                std::filesystem::create_symlink("elsewhere", dir / name);
            else
                REQUIRE(::mkfifo((dir / name).c_str(), 0600) == 0);
            for (const bool writes : {false, true}) {
                const Error error = error_of([&] {
                    if (writes)
                        open_rw(dir / "s");
                    else
                        open_ro(dir / "s");
                });
                CHECK(has(error.message, link ? "is a symbolic link, but the state needs"
                                              : "is a FIFO, but the state needs"));
                CHECK(has(error.hint, "rm -r "));
            }
            std::filesystem::remove(dir / name);
        }
    CHECK_FALSE(std::filesystem::exists(dir / "elsewhere"));
    std::filesystem::rename(dir / "s", dir / "t");
    std::filesystem::create_symlink("t", dir / "s");
    CHECK(has(error_of([&] { open_ro(dir / "s"); }).message, "is a symbolic link"));
    CHECK(has(error_of([&] { open_rw(dir / "s"); }).message, "is a symbolic link"));
}

TEST_CASE("a directory or file that is not writable") {
    const TempDir dir;
    std::filesystem::permissions(dir.path, std::filesystem::perms(0755));
    std::filesystem::create_directory(dir / "d");
    open_rw(dir / "d/s");
    REQUIRE(::chmod((dir / "d").c_str(), 0500) == 0);
    REQUIRE(::chmod((dir / "d/s").c_str(), 0400) == 0);
    if (::geteuid() == 0)
        for (const char* name : {"d", "d/s", "d/s.key"})
            REQUIRE(::chown((dir / name).c_str(), 65534, 65534) == 0);
    Fork child([&](int) {
        if (::geteuid() == 0 && ::setuid(65534) != 0) return 1; // root can write everywhere
        const Error error = error_of([&] { open_rw(dir / "d/s"); });
        if (!has(error.message, "cannot be opened or written") || !has(error.hint, "ls -ld"))
            return 2;
        if (error_of([&] { open_rw(dir / "d/new"); }).kind != ErrorKind::state) return 3;
        return open_ro(dir / "d/s")->rows().empty() ? 0 : 4; // still readable
    });
    CHECK(child.wait() == 0);
    ::chmod((dir / "d").c_str(), 0700);
}

TEST_CASE("a state in a file instead of a directory") {
    const TempDir dir;
    write_file(dir / "file", "x");
    CHECK(error_of([&] { open_rw(dir / "file/s"); }).kind == ErrorKind::state);
}

TEST_CASE("network file systems are recognized by their numbers") {
    CHECK(state::network_file_system(0x6969) == "NFS");
    CHECK(state::network_file_system(0xFF534D42) == "CIFS");
    CHECK(state::network_file_system(static_cast<std::int32_t>(0xFE534D42)) == "SMB");
    CHECK(state::network_file_system(0x65735546) == "FUSE");
    CHECK_FALSE(state::network_file_system(0xEF53));     // ext4
    CHECK_FALSE(state::network_file_system(0x58465342)); // xfs
    CHECK_FALSE(state::network_file_system(0x9123683E)); // btrfs
    CHECK_FALSE(state::network_file_system(0x01021994)); // tmpfs
}

TEST_CASE("migrations: each step runs once, and a failed step keeps the previous schema") {
    const TempDir dir;
    write_file(dir / "db", "");
    Database db(dir / "db", Database::Access::write);
    const std::array<std::string_view, 1> first{"CREATE TABLE a (x); INSERT INTO a VALUES (1)"};
    state::migrate(db, first);
    state::migrate(db, first);
    CHECK(db.number("SELECT count(*) FROM a") == 1);
    CHECK(state::schema_version(db, first) == 1);

    const std::array<std::string_view, 3> broken{
        first[0], "INSERT INTO a VALUES (2)",
        "INSERT INTO a VALUES (3); INSERT INTO none VALUES (1)"};
    CHECK_THROWS_AS(state::migrate(db, broken), Error);
    CHECK(state::schema_version(db, broken) == 2);
    CHECK(db.number("SELECT count(*) FROM a") == 2);

    const std::array<std::string_view, 3> repaired{first[0], broken[1], "INSERT INTO a VALUES (3)"};
    state::migrate(db, repaired);
    CHECK(db.number("SELECT count(*) FROM a") == 3);
    CHECK(state::schema_version(db, repaired) == 3);
    CHECK_THROWS_AS(state::migrate(db, first), Error); // an older program
}

TEST_CASE("a full disk is reported") {
    const TempDir dir;
    write_file(dir / "db", "");
    Database db(dir / "db", Database::Access::write);
    db.run("CREATE TABLE t (x); PRAGMA max_page_count = 3");
    const Error error = error_of([&] { db.run("INSERT INTO t VALUES (zeroblob(100000))"); });
    CHECK(has(error.message, "cannot be written"));
    CHECK(has(error.hint, "free space"));
}

TEST_CASE("a transaction without a commit is rolled back") {
    const TempDir dir;
    write_file(dir / "db", "");
    Database db(dir / "db", Database::Access::write);
    db.run("CREATE TABLE t (x)");
    {
        sqlite::Transaction done(db);
        db.run("INSERT INTO t VALUES (2)");
        done.commit();
    }
    {
        const sqlite::Transaction undone(db);
        db.run("INSERT INTO t VALUES (3)");
    }
    CHECK(db.number("SELECT group_concat(x) FROM t") == 2);
}

TEST_SUITE_END();
