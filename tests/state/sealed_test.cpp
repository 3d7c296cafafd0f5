#include "core/file.h"
#include "core/hash.h"
#include "core/value_json.h"
#include "helpers.h"
#include "secret_state.h"
#include "state/key_file.h"
#include "state/migrations.h"
#include "state/sqlite.h"

#include <fmt/format.h>

using namespace hadeploy;
using namespace testing;
using sqlite::Database;
using sqlite::Statement;

namespace {
/// Whether a text is in the state named by a path, or in a file beside it.
bool holds(const std::filesystem::path& state, std::string_view text) {
    if (!test_server().empty()) return stored(state).find(text) != std::string::npos;
    for (const auto& entry : std::filesystem::directory_iterator(state.parent_path()))
        if (read_file(entry.path()).find(text) != std::string::npos) return true;
    return false;
}

std::string message_of(const std::function<void()>& what) {
    try {
        what();
    } catch (const Error& error) {
        return error.message;
    }
    return "(no error)";
}

/// Whether only a file can be edited like this.
bool is_of_file(std::string_view edit) {
    return !test_server().empty() && edit.find("PRAGMA") != edit.npos;
}

/// A state of the first release.
void make_first_schema(const std::filesystem::path& file) {
    write_file(file, "");
    Database db(file, Database::Access::write);
    state::migrate(db, state::migrations().first(1));
    const std::string column = to_json(secret_map());
    Statement(db, "INSERT INTO project (id, name, lineage, outputs) VALUES (1, 'demo', ?, ?)")
        .bind("00000000-0000-4000-8000-000000000001", column)
        .run();
    Statement(db, "INSERT INTO resources VALUES ('a', 'fake.thing', 1, 'id-a', ?1, ?1, '[]', 0)")
        .bind(column)
        .run();
    Statement(db, "INSERT INTO intents (run, address, type, generation, action, identity, config, "
                  "depends_on, input_hash, started_ms) "
                  "VALUES (1, 'b', 'fake.thing', 1, 'create', 'id-b', ?, '[]', '', 0)")
        .bind(column)
        .run();
    Statement(db, "INSERT INTO runs (command, started_ms, spec) VALUES ('apply', 1, ?)")
        .bind(fmt::format("{{\"files\":{{\"hadeploy.yaml\":\"{}\"}}}}", kCanary))
        .run();
}
} // namespace

TEST_CASE("secrets are nowhere in the state's file, and all come back") {
    const TempDir dir;
    fill(*open_locked(dir / "s"));
    CHECK(holds(dir / "s", "\"size\":1")); // other values are readable
    CHECK_FALSE(holds(dir / "s", kCanary));
    check_filled(*open_rw(dir / "s"));
    check_filled(*open_ro(dir / "s"));
}

TEST_CASE("without its key or with another one, a state is rejected and not changed") {
    const TempDir dir;
    fill(*open_locked(dir / "s"));
    const std::filesystem::path key = state::key_file(dir / "s");
    const std::string state = stored(dir / "s"), right = read_file(key);
    const auto refusal = [&](const std::function<void()>& open) {
        const Error error = error_of(open);
        CHECK(error.kind == ErrorKind::state);
        CHECK(stored(dir / "s") == state);
        return error.message;
    };
    std::filesystem::remove(key);
    for (const auto& open : {open_rw, open_ro}) {
        CHECK(has(refusal([&] { open(dir / "s", "demo"); }), "key"));
        CHECK_FALSE(std::filesystem::exists(key)); // no key is created for an existing state
    }
    write_file(key, base64_encode(random_bytes(state::kKeySize)));
    CHECK(has(refusal([&] { open_rw(dir / "s"); }), "does not open the state"));
    CHECK(has(refusal([&] { open_ro(dir / "s"); }), "does not open the state"));
    write_file(key, right);
    check_filled(*open_rw(dir / "s"));
}

TEST_CASE("a state that is encrypted with a passphrase has no key file") {
    const TempDir dir;
    const KeySource source{.passphrase = "correct horse", .key = {}, .file = {}};
    {
        const auto store =
            Store::open(state_at(dir / "s"), Store::Mode::read_write, "demo", source);
        store->lock("apply", 0);
        fill(*store);
    }
    CHECK_FALSE(std::filesystem::exists(state::key_file(dir / "s")));
    CHECK_FALSE(holds(dir / "s", kCanary));
    check_filled(*Store::open(state_at(dir / "s"), Store::Mode::read_only, "demo", source));
    CHECK(has(error_of([&] { open_ro(dir / "s"); }).message, "encrypted with a passphrase"));
}

TEST_CASE("a flipped bit in a secret is detected") {
    const TempDir dir;
    fill(*open_locked(dir / "s"));
    alter(dir / "s",
          "UPDATE project SET outputs = replace(outputs, 'sealed\":\"', 'sealed\":\"A')");
    CHECK(has(error_of([&] { (void)open_ro(dir / "s")->outputs(); }).message, "altered"));
}

namespace {
/// A state that is allowed to be unsealed.
std::unique_ptr<Store> opened_unsealed(const std::filesystem::path& file, Store::Mode mode) {
    KeySource key;
    key.takes_unsealed = true;
    return Store::open(file, mode, "demo", key);
}
} // namespace

TEST_CASE("a state from before encryption can be read, and is sealed by the first writer" *
          doctest::test_suite(kOnlyFile)) {
    const TempDir dir;
    make_first_schema(dir / "s");
    const std::string before = read_file(dir / "s");
    const auto check = [&](const Store& store) {
        CHECK(store.lineage() == "00000000-0000-4000-8000-000000000001");
        CHECK(store.row("a")->config == secret_map());
        CHECK(store.intents().at(0).config == secret_map());
        CHECK(store.outputs() == secret_map());
    };
    check(*opened_unsealed(dir / "s", Store::Mode::read_only));
    CHECK(read_file(dir / "s") == before);
    CHECK_FALSE(std::filesystem::exists(state::key_file(dir / "s")));

    CHECK(holds(dir / "s", kCanary));
    check(*opened_unsealed(dir / "s", Store::Mode::read_write));
    CHECK_FALSE(holds(dir / "s", kCanary));
    check(*open_ro(dir / "s"));
    CHECK(open_ro(dir / "s")->runs().at(0).spec.secret());
}

TEST_CASE("a migration that was interrupted before sealing is continued" *
          doctest::test_suite(kOnlyFile)) {
    const TempDir dir;
    make_first_schema(dir / "s");
    {
        Database db(dir / "s", Database::Access::write);
        state::migrate(db, state::migrations());
    }
    CHECK(opened_unsealed(dir / "s", Store::Mode::read_only)->outputs() == secret_map());
    CHECK(opened_unsealed(dir / "s", Store::Mode::read_write)->outputs() == secret_map());
    CHECK_FALSE(holds(dir / "s", kCanary));
}

namespace {
const KeySource kOther{
    .passphrase = {}, .key = base64_encode(std::string(state::kKeySize, 'k')), .file = {}};
} // namespace

TEST_CASE("edited outputs, serial and lineage are rejected") {
    const char* const edits[] = {
        "UPDATE project SET outputs = replace(outputs, '1', '2')",
        "UPDATE project SET outputs = '{\"size\":7}'",
        "UPDATE project SET outputs = 'null'",
        "UPDATE project SET serial = serial + 1",
        "UPDATE project SET lineage = '00000000-0000-4000-8000-000000000001'",
        "UPDATE project SET mac = ''",
        "UPDATE project SET digest = ''",
        // disguised as a state from before the digest
        "ALTER TABLE project DROP COLUMN digest; ALTER TABLE project DROP COLUMN relocation; "
        "PRAGMA user_version = 5",
        // disguised as a state from before the project had a MAC
        R"(UPDATE project SET outputs = '{}'; ALTER TABLE project DROP COLUMN mac;
           ALTER TABLE project DROP COLUMN digest; ALTER TABLE project DROP COLUMN relocation; PRAGMA user_version = 4)",
    };
    for (const char* edit : edits) {
        if (is_of_file(edit)) continue;
        CAPTURE(edit);
        const TempDir dir;
        fill(*open_locked(dir / "s"));
        CHECK(open_ro(dir / "s")->outputs() == secret_map());
        alter(dir / "s", edit);
        for (const auto& open : {open_ro, open_rw}) {
            const auto says = [&](const std::function<void(Store&)>& f) {
                return message_of([&] { f(*open(dir / "s", "demo")); });
            };
            CHECK(has(says([](Store& s) { (void)s.outputs(); }), "altered outside hadeploy"));
            CHECK(has(says([](Store& s) { (void)s.serial(); }), "altered outside hadeploy"));
            CHECK(has(says([](Store& s) { (void)s.lineage(); }), "altered outside hadeploy"));
        }
        // neither a write nor a rekey gives it a valid MAC
        CHECK(has(message_of([&] { open_locked(dir / "s")->put({row_of("b")}, {}); }), "altered"));
        CHECK(has(message_of([&] { open_locked(dir / "s")->rekey(kOther); }), "altered"));
        CHECK(has(message_of([&] { (void)open_ro(dir / "s")->outputs(); }), "altered"));
    }
}

TEST_CASE("a rekey does not give an edited record a valid MAC") {
    const TempDir dir;
    fill(*open_locked(dir / "s"));
    alter(dir / "s", "UPDATE resources SET identity = 'other'");
    CHECK(has(message_of([&] { open_locked(dir / "s")->rekey(kOther); }),
              "was altered outside hadeploy"));
    CHECK(has(message_of([&] { open_ro(dir / "s")->rows(); }), "was altered outside hadeploy"));
}

TEST_CASE("a state with additional objects in its schema is rejected, and they have no effect" *
          doctest::test_suite(kOnlyFile)) {
    const std::pair<const char*, const char*> objects[] = {
        {"CREATE TRIGGER t AFTER UPDATE ON project BEGIN DELETE FROM resources; END",
         "contains the trigger \"t\""},
        {"CREATE VIEW v AS SELECT 1", "contains the view \"v\""},
        {"CREATE TABLE more (x)", "contains the table \"more\""},
        {"CREATE INDEX i ON runs (command)", "contains the index \"i\""},
        {"ALTER TABLE resources RENAME TO kept; CREATE VIEW resources AS SELECT * FROM kept",
         "which hadeploy did not create"},
    };
    for (const auto& [sql, says] : objects) {
        CAPTURE(sql);
        const TempDir dir;
        fill(*open_locked(dir / "s"));
        alter(dir / "s", sql);
        const std::string before = read_file(dir / "s");
        for (const auto& open : {open_ro, open_rw}) {
            const Error error = error_of([&] { open(dir / "s", "demo"); });
            CHECK_MESSAGE(has(error.message, says), error.message);
            CHECK(has(error.hint, "restore a backup"));
        }
        CHECK(read_file(dir / "s") == before);
    }
    // a trigger that is added while the state is open
    const TempDir dir;
    const auto store = open_locked(dir / "s");
    fill(*store);
    alter(dir / "s", "CREATE TRIGGER t AFTER UPDATE ON project BEGIN DELETE FROM resources; END");
    store->set_outputs(Value::map({}));
    CHECK(store->rows().size() == 1);
}

TEST_CASE("an invalid encrypted data key or serial is reported") {
    for (const char* lock : {"junk", "[]", "{}", "{\"kdf\":\"none\"}", "{\"kdf\":1,\"key\":\"x\"}",
                             "{\"kdf\":\"argon2id\",\"passes\":\"3\",\"key\":\"x\"}"}) {
        CAPTURE(lock);
        const TempDir dir;
        fill(*open_locked(dir / "s"));
        alter(dir / "s", fmt::format("UPDATE project SET key_lock = '{}'", lock));
        for (const auto& open : {open_ro, open_rw}) {
            const Error error = error_of([&] { open(dir / "s", "demo"); });
            CHECK_MESSAGE(has(error.message, "the encrypted data key of the state"), error.message);
            CHECK(has(error.hint, "backup"));
        }
    }
    for (const char* serial : {"9223372036854775807", "-1"}) {
        CAPTURE(serial);
        const TempDir dir;
        fill(*open_locked(dir / "s"));
        alter(dir / "s", fmt::format("UPDATE project SET serial = {}", serial));
        for (const auto& open : {open_ro, open_rw}) {
            const Error error = error_of([&] { open(dir / "s", "demo"); });
            CHECK_MESSAGE(has(error.message, fmt::format("the serial {}", serial)), error.message);
            CHECK(has(error.hint, "backup"));
        }
    }
    const TempDir dir;
    fill(*open_locked(dir / "s"));
    alter(dir / "s", "UPDATE project SET epoch = 9223372036854775807");
    open_locked(dir / "s")->set_outputs(Value::map({}));
}

TEST_CASE("an edited or moved record is rejected") {
    const char* const edits[] = {
        "UPDATE resources SET config = replace(config, '1', '2') WHERE address = 'a'",
        "UPDATE resources SET attributes = '{}'",
        "UPDATE resources SET type = 'local.exec'",
        "UPDATE resources SET identity = 'other'",
        "UPDATE resources SET generation = 7",
        "UPDATE resources SET depends_on = '[\"b\"]'",
        "UPDATE resources SET tainted = 1",
        "UPDATE resources SET tainted = -1",
        "UPDATE resources SET mac = ''",
        "UPDATE resources SET address = 'b' WHERE address = 'a'",
        // disguised as a state from before MACs
        R"(UPDATE resources SET config = '{}'; ALTER TABLE resources DROP COLUMN mac;
           ALTER TABLE intents DROP COLUMN mac; ALTER TABLE project DROP COLUMN mac;
           ALTER TABLE project DROP COLUMN digest; ALTER TABLE project DROP COLUMN relocation; PRAGMA user_version = 2)",
    };
    for (const char* edit : edits) {
        if (is_of_file(edit)) continue;
        CAPTURE(edit);
        const TempDir dir;
        open_locked(dir / "s")->put({{.address = "a",
                                      .type = "fake.thing",
                                      .generation = 1,
                                      .identity = "id",
                                      .config = Value::map({{"size", 1}}),
                                      .attributes = Value::map({{"size", 1}})}},
                                    {});
        CHECK(open_ro(dir / "s")->rows().size() == 1);
        alter(dir / "s", edit);
        CHECK(has(message_of([&] { open_rw(dir / "s")->rows(); }), "altered outside hadeploy"));
        CHECK(has(message_of([&] { open_ro(dir / "s")->rows(); }), "altered outside hadeploy"));
    }
}

TEST_CASE("an edited intent is rejected") {
    const TempDir dir;
    {
        const auto store = open_locked(dir / "s");
        std::vector<Intent> intents(1);
        intents[0].run = store->begin_run("apply", Value("spec"));
        intents[0].address = "a";
        intents[0].type = "fake.thing";
        intents[0].action = ChangeKind::create;
        intents[0].config = Value::map({{"delete", "true"}});
        store->begin(intents);
    }
    CHECK(open_rw(dir / "s")->intents().size() == 1);
    alter(dir / "s", "UPDATE intents SET config = '{\"delete\":\"evil\"}'");
    CHECK(has(message_of([&] { open_rw(dir / "s")->intents(); }), "was altered outside hadeploy"));
}

TEST_CASE("the spec of a run is accepted only if sealed by hadeploy") {
    const auto made = [](const TempDir& dir) {
        const auto store = open_locked(dir / "s");
        for (const char* command : {"true", "false"})
            store->end_run(store->begin_run("apply", Value::map({{"command", command}})),
                           RunResult::done, "{}");
    };
    const TempDir dir;
    made(dir);
    CHECK(open_ro(dir / "s")->runs().at(1).spec["command"] == Value("false"));
    CHECK_FALSE(holds(dir / "s", "\"command\":\"false"));
    alter(dir / "s", "UPDATE runs SET spec = '{\"command\":\"evil\"}' WHERE id = 2");
    CHECK(open_rw(dir / "s")->runs().at(1).spec.is_null());
    CHECK(open_ro(dir / "s")->runs().at(0).spec["command"] == Value("true"));
    // that of another run
    alter(dir / "s", "UPDATE runs SET spec = (SELECT spec FROM runs WHERE id = 1) WHERE id = 2");
    CHECK(has(message_of([&] { open_ro(dir / "s")->runs(); }), "was altered or moved"));
    if (!test_server().empty()) return;
    // disguised as a state from before runs were sealed
    const TempDir other;
    made(other);
    alter(other / "s", "UPDATE runs SET spec = '{\"command\":\"evil\"}'; "
                       "ALTER TABLE project DROP COLUMN mac; "
                       "ALTER TABLE project DROP COLUMN digest; ALTER TABLE project DROP COLUMN "
                       "relocation; PRAGMA user_version = 3");
    CHECK(has(message_of([&] { open_rw(other / "s")->outputs(); }), "altered outside hadeploy"));
    CHECK(open_rw(other / "s")->runs().at(1).spec.is_null());
}

TEST_CASE("the MAC for files beside the state depends on its key") {
    const TempDir dir, other;
    const std::string mac = open_rw(dir / "s")->mac("text");
    CHECK(open_ro(dir / "s")->mac("text") == mac);
    CHECK(open_ro(dir / "s")->mac("texts") != mac);
    CHECK(open_rw(other / "s")->mac("text") != mac);
}

TEST_CASE("records are converted between their stored form and memory by type") {
    const auto change = [](const char* from, const char* to) {
        return [=](const std::string& type, const Value& v) {
            return type == "fake.thing" && v["p"] == Value(from) ? v.with("p", to) : v;
        };
    };
    const auto open = [&](const TempDir& dir, Store::Mode mode, const char* here) {
        return Store::open(state_at(dir / "s"), mode, "demo", key_at(dir / "s"),
                           {.kept = change(here, "."), .used = change(".", here)});
    };
    const TempDir dir;
    {
        const auto store = open(dir, Store::Mode::read_write, "/one");
        store->lock("apply", 0);
        store->put({{.address = "a", .type = "fake.thing", .config = Value::map({{"p", "/one"}})},
                    {.address = "b", .type = "other", .config = Value::map({{"p", "/one"}})}},
                   {});
        std::vector<Intent> intents(1);
        intents[0].address = "c";
        intents[0].type = "fake.thing";
        intents[0].action = ChangeKind::create;
        intents[0].config = Value::map({{"p", "/one"}});
        store->begin(intents);
    }
    const auto elsewhere = open(dir, Store::Mode::read_only, "/two");
    CHECK(elsewhere->row("a")->config["p"] == Value("/two"));
    CHECK(elsewhere->row("b")->config["p"] == Value("/one"));
    CHECK(elsewhere->intents().at(0).config["p"] == Value("/two"));
    CHECK(open_ro(dir / "s")->row("a")->config["p"] == Value("."));
}
