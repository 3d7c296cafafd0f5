#include "core/file.h"
#include "core/hash.h"
#include "helpers.h"
#include "state/migrations.h"
#include "state/sqlite.h"

#include <fmt/format.h>

using namespace hadeploy;
using namespace testing;

TEST_SUITE_BEGIN("file");
using sqlite::Database;

namespace {
const std::filesystem::path kVersions =
    std::filesystem::path(HADEPLOY_SOURCE_DIR) / "tests/state/versions";
/// The key of the stored states that are encrypted.
const KeySource kStoredKey{
    .passphrase = {}, .key = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=", .file = {}};

/// Creates a state as written by a hadeploy of that schema version.
void make_version(const std::filesystem::path& file, std::size_t version) {
    write_file(file, "");
    Database(file, Database::Access::write)
        .run(read_file(kVersions / fmt::format("{}.sql", version)));
}

std::unique_ptr<Store> opened(const std::filesystem::path& file, Store::Mode mode) {
    KeySource key = kStoredKey;
    key.takes_unsealed = true;
    return Store::open(file, mode, "kept", key);
}

/// Checks that the contents of the stored state are complete.
void check_kept(const Store& store, std::size_t version) {
    CHECK(store.project() == "kept");
    CHECK(store.serial() == 4);
    std::string all;
    for (const RecordedResource& row : store.rows()) {
        all += row.address + " " + row.type + ", ";
        CHECK(row.generation == 1);
        CHECK(row.identity.size() == 36);
    }
    CHECK(all == "config local.file, note local.value, site[\"a\"] local.exec, "
                 "site[\"b\"] local.exec, ");
    const std::string secret = fmt::format("canary-of-version-{}", version);
    const auto config = store.row("config");
    REQUIRE(config);
    CHECK(config->config["content"].secret());
    CHECK(has(config->config.text("content"), secret));
    CHECK(store.outputs().text("greeting") == "hello");
    CHECK(has(store.outputs().text("joined"), secret));
    const auto intents = store.intents();
    REQUIRE(intents.size() == 1);
    CHECK(intents[0].address == "killed");
    CHECK(intents[0].action == ChangeKind::create);
    CHECK(intents[0].config["environment"].text("P") == secret);
    const auto runs = store.runs();
    REQUIRE(runs.size() == 2);
    CHECK(runs[0].result == RunResult::done);
    CHECK(runs[1].result == RunResult::not_ended);
    CHECK(store.steps(1).size() == 4);
}
} // namespace

TEST_CASE("every released version of the schema is read and migrated") {
    const std::size_t latest = state::migrations().size();
    for (std::size_t version = 1; version <= latest; ++version) {
        CAPTURE(version);
        const TempDir dir;
        make_version(dir / "s", version);
        const std::string before = read_file(dir / "s");
        check_kept(*opened(dir / "s", Store::Mode::read_only), version);
        CHECK(read_file(dir / "s") == before); // reading changes nothing

        check_kept(*opened(dir / "s", Store::Mode::read_write), version);
        const std::string now = read_file(dir / "s");
        CHECK(now.find("canary-of-version") == now.npos);
        Database db(dir / "s", Database::Access::read);
        CHECK(state::schema_version(db, state::migrations()) == static_cast<std::int64_t>(latest));
        const auto store = opened(dir / "s", Store::Mode::read_only);
        check_kept(*store, version);
        CHECK(store->runs()[0].spec.contains_secret());
    }
}

TEST_CASE("a state without an encrypted data key is accepted only on request") {
    for (const std::size_t version : {std::size_t{1}, state::migrations().size()}) {
        CAPTURE(version);
        const TempDir dir;
        make_version(dir / "s", version);
        if (version > 1)
            Database(dir / "s", Database::Access::write).run("UPDATE project SET key_lock = ''");
        const std::string before = read_file(dir / "s");
        for (const Store::Mode mode : {Store::Mode::read_only, Store::Mode::read_write}) {
            const Error error = error_of([&] { Store::open(dir / "s", mode, "kept", kStoredKey); });
            CHECK(has(error.message, "is not sealed"));
            CHECK(has(error.hint, "hadeploy state rekey --unsealed"));
        }
        CHECK(read_file(dir / "s") == before);
    }
}

TEST_CASE("a migration that is killed at any moment is completed by the next one") {
    for (int round = 0; round < 40; ++round) {
        const TempDir dir;
        make_version(dir / "s", 1);
        Fork child([&](int fd) {
            say(fd, 's');
            opened(dir / "s", Store::Mode::read_write);
            return 0;
        });
        REQUIRE(child.next() == 's');
        ::usleep(static_cast<unsigned char>(random_bytes(1)[0]) * 100u);
        child.kill();
        if (round % 2 == 0) check_kept(*opened(dir / "s", Store::Mode::read_only), 1);
        check_kept(*opened(dir / "s", Store::Mode::read_write), 1);
        Database db(dir / "s", Database::Access::read);
        sqlite::Statement check(db, "PRAGMA integrity_check");
        REQUIRE(check.step());
        CHECK(check.text(0) == "ok");
    }
}

TEST_CASE("a newer schema is rejected and not changed") {
    const TempDir dir;
    const std::size_t latest = state::migrations().size();
    make_version(dir / "s", latest);
    Database(dir / "s", Database::Access::write)
        .run(fmt::format("ALTER TABLE project ADD COLUMN colour TEXT NOT NULL DEFAULT ''; "
                         "PRAGMA user_version = {}",
                         latest + 1));
    const std::string before = read_file(dir / "s");
    for (const Store::Mode mode : {Store::Mode::read_only, Store::Mode::read_write}) {
        const Error error = error_of([&] { opened(dir / "s", mode); });
        CHECK(error.kind == ErrorKind::state);
        CHECK(error.message ==
              fmt::format("the state \"{}\" was written by a newer hadeploy (schema {}; this one "
                          "knows {})",
                          (dir / "s").string(), latest + 1, latest));
        CHECK(has(error.hint, "use the newer hadeploy"));
    }
    CHECK(read_file(dir / "s") == before);
}

TEST_SUITE_END();
