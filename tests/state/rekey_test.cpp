#include "core/file.h"
#include "core/hash.h"
#include "helpers.h"
#include "secret_state.h"
#include "state/key_file.h"
#include "state/sqlite.h"

using namespace hadeploy;
using namespace testing;

namespace {
constexpr std::size_t kRuns = 20; // number of runs
constexpr const char* kRow = "a[\"x\"]";

std::unique_ptr<Store> opened_read_only(const std::filesystem::path& file, const KeySource& key) {
    return Store::open(state_at(file), Store::Mode::read_only, "demo", key);
}

/// All sealed texts in the file.
std::vector<std::string> sealed_in(const std::filesystem::path& file) {
    const std::string text = stored(file);
    constexpr std::string_view mark = "{\"$sealed\":\"";
    std::vector<std::string> out;
    for (auto at = text.find(mark); at != text.npos; at = text.find(mark, at + 1))
        out.push_back(text.substr(at + mark.size(), 40));
    return out;
}
} // namespace

TEST_CASE("a new key opens everything that the old one did, and the old one nothing") {
    const TempDir dir;
    fill(*open_locked(dir / "s"), kRuns, kRow);
    const std::filesystem::path file = state::key_file(dir / "s");
    const std::string old_key = read_file(file);
    const std::vector<std::string> sealed = sealed_in(dir / "s");
    REQUIRE(sealed.size() > 20);
    const KeySource phrase{.passphrase = "correct horse", .key = {}, .file = {}};
    {
        const auto store = open_locked(dir / "s");
        store->rekey(phrase);
        check_filled(*store, kRuns, kRow); // continues with the new key
        store->set_outputs(secret_map());
    }
    check_filled(*opened_read_only(dir / "s", phrase), kRuns, kRow);
    CHECK(has(error_of([&] { open_ro(dir / "s"); }).message, "encrypted with a passphrase"));
    const std::string text = stored(dir / "s");
    for (const std::string& before : sealed)
        CHECK(text.find(before) == text.npos); // a new data key, not only a new lock

    open_rw(dir / "other"); // creates a key file
    const KeySource other{.passphrase = {}, .key = {}, .file = dir / "other.key"};
    {
        const auto store =
            Store::open(state_at(dir / "s"), Store::Mode::read_write, "demo", phrase);
        store->lock("state rekey", 0);
        store->rekey(other);
    }
    check_filled(*opened_read_only(dir / "s", other), kRuns, kRow);
    CHECK(read_file(file) == old_key);
    CHECK(has(error_of([&] { open_ro(dir / "s"); }).message, "does not open the state"));
}

TEST_CASE("others continue after a rekey if they have the new key too") {
    const TempDir dir;
    fill(*open_locked(dir / "s"), kRuns, kRow);
    const std::filesystem::path file = state::key_file(dir / "s");
    const auto reader = open_ro(dir / "s");
    const auto writer = open_rw(dir / "s"); // opened before, and waits for the lock
    const std::string old_key = read_file(file);
    state::add_key(file);
    open_locked(dir / "s")->rekey({.passphrase = {}, .key = {}, .file = file});
    check_filled(*reader, kRuns, kRow);
    CHECK(reader->lineage() == writer->lineage());
    writer->lock("apply", 0);
    check_filled(*writer, kRuns, kRow);
    writer->put({row_of("later")}, {});
    CHECK(reader->rows().size() == 2);

    write_file(file, old_key); // those who do not have it change nothing
    const KeySource old{.passphrase = {}, .key = old_key, .file = {}};
    CHECK(has(error_of([&] { opened_read_only(dir / "s", old); }).message, "does not open"));
}

TEST_CASE("a process that does not have the new key stops with an error that says so") {
    const TempDir dir;
    fill(*open_locked(dir / "s"), kRuns, kRow);
    const auto reader = open_ro(dir / "s");
    const auto writer = open_rw(dir / "s");
    const KeySource phrase{.passphrase = "correct horse", .key = {}, .file = {}};
    open_locked(dir / "s")->rekey(phrase);
    const auto refused = [](const Error& error) {
        CHECK(has(error.message, "encrypted with a pass"));
    };
    refused(error_of([&] { (void)reader->rows(); }));
    refused(error_of([&] { (void)reader->row(kRow); }));
    refused(error_of([&] { (void)reader->intents(); }));
    refused(error_of([&] { (void)reader->outputs(); }));
    refused(error_of([&] { (void)reader->runs(); }));
    refused(error_of([&] { writer->lock("apply", 0); }));
    // which has let the lock go
    const auto other = Store::open(state_at(dir / "s"), Store::Mode::read_write, "demo", phrase);
    other->lock("apply", 0);
    check_filled(*other, kRuns, kRow);
}

TEST_CASE("several keys in a text: the first one locks, all of them unlock") {
    const TempDir dir;
    open_rw(dir / "key"); // creates a key file
    const std::string old_key = read_file(state::key_file(dir / "key"));
    const std::string new_key = base64_encode(random_bytes(state::kKeySize));
    const auto open = [&](const std::string& keys) {
        return Store::open(state_at(dir / "s"), Store::Mode::read_write, "demo",
                           {.passphrase = {}, .key = keys, .file = {}});
    };
    open(old_key);
    const std::string both = new_key + " \n" + old_key;
    {
        const auto store = open(both);
        store->lock("state rekey", 0);
        store->rekey({.passphrase = {}, .key = both, .file = {}});
    }
    open(both);
    open(new_key);
    CHECK(has(error_of([&] { open(old_key); }).message, "HADEPLOY_STATE_KEY does not open"));
    CHECK(has(error_of([&] { open(new_key + " junk"); }).message, "contains no valid key"));
}

TEST_CASE("without the lock or the key, nothing is changed") {
    const TempDir dir;
    fill(*open_locked(dir / "s"), kRuns, kRow);
    const KeySource phrase{.passphrase = "x", .key = {}, .file = {}};
    CHECK(has(error_of([&] { open_rw(dir / "s")->rekey(phrase); }).message,
              "without holding its lock"));
    const KeySource wrong{.passphrase = {}, .key = "c2hvcnQ=", .file = {}};
    CHECK(has(error_of([&] { open_locked(dir / "s")->rekey(wrong); }).message,
              "contains no valid key"));
    check_filled(*open_ro(dir / "s"), kRuns, kRow);
}

TEST_CASE("several keys in a file: the first one locks, all of them unlock" *
          doctest::test_suite(kOnlyFile)) {
    const TempDir dir;
    fill(*open_locked(dir / "s"), kRuns, kRow);
    const std::filesystem::path file = state::key_file(dir / "s");
    const std::string first = read_file(file);
    state::add_key(file);
    const std::vector<std::string> keys = state::read_keys(file);
    REQUIRE(keys.size() == 2);
    CHECK(keys[1] == base64_decode(first));
    check_filled(*open_ro(dir / "s"), kRuns, kRow); // a kill here: the state still has the old key
    std::filesystem::copy_file(dir / "s", dir / "copy");
    std::filesystem::permissions(dir / "copy", std::filesystem::perms(0600));
    open_locked(dir / "s")->rekey({.passphrase = {}, .key = {}, .file = file});
    check_filled(*open_ro(dir / "s"), kRuns, kRow);
    const KeySource same{.passphrase = {}, .key = {}, .file = file};
    check_filled(*opened_read_only(dir / "copy", same), kRuns, kRow); // a copy from before

    write_file(file, read_file(file).substr(0, first.size())); // only the new key
    check_filled(*open_ro(dir / "s"), kRuns, kRow);
    CHECK(has(error_of([&] { opened_read_only(dir / "copy", same); }).message,
              "does not open the state"));
    write_file(file, "junk\n" + first);
    CHECK(has(error_of([&] { state::add_key(file); }).message, "contains no valid key"));
    CHECK(read_file(file) == "junk\n" + first);
    write_file(file, std::string(66'000, 'A'));
    CHECK(error_of([&] { state::add_key(file); }).kind == ErrorKind::state);
}

TEST_CASE("after a kill at any moment of a rekey, the state opens with the key file") {
    const TempDir dir;
    fill(*open_locked(dir / "s"), kRuns, kRow);
    const KeySource here{.passphrase = {}, .key = {}, .file = state::key_file(dir / "s")};
    int done = 0;
    for (int round = 0; round < 40; ++round) {
        Fork child([&](int fd) {
            const auto store = open_locked(dir / "s");
            say(fd, 'b');
            state::add_key(here.file);
            store->rekey(here);
            say(fd, 'd');
            ::pause();
            return 0;
        });
        REQUIRE(child.next() == 'b');
        ::usleep(static_cast<unsigned char>(random_bytes(1)[0]) * 20u);
        child.kill();
        if (child.next() == 'd') ++done;
        check_filled(*open_ro(dir / "s"), kRuns, kRow);
        check_filled(*open_locked(dir / "s"), kRuns, kRow);
    }
    MESSAGE("of 40 killed ones ", done, " had come to their end");
    if (!test_server().empty()) return;
    sqlite::Database db(dir / "s", sqlite::Database::Access::write);
    sqlite::Statement check(db, "PRAGMA integrity_check");
    REQUIRE(check.step());
    CHECK(check.text(0) == "ok");
}
