#include "state/open_sqlite.h"

#include "core/file.h"
#include "core/text.h"
#include "core/uuid.h"
#include "state/authentic.h"
#include "state/file_check.h"
#include "state/key_file.h"
#include "state/lock.h"
#include "state/migrations.h"
#include "state/project_check.h"
#include "state/records.h"
#include "state/sealing.h"
#include "state/sqlite_store.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

namespace hadeploy {

namespace {
using Path = std::filesystem::path;

// Creating or migrating a state takes milliseconds; only a running command holds the lock longer.
constexpr std::int64_t kShortWaitMs = 5'000;
/// The lineage of a state that does not exist yet.
constexpr std::string_view kNoLineage = "00000000-0000-0000-0000-000000000000";
constexpr const char* kOtherFile =
    "run the command in that project's directory, or choose a different file for the state; if the "
    "project was renamed, restore its old name, with which its objects are marked";

bool is_present(const Path& path) {
    struct stat info {};
    return ::lstat(path.c_str(), &info) == 0;
}

void make_directory(const Path& state) {
    const Path directory = state.parent_path();
    if (directory.empty() || is_present(directory)) return;
    std::error_code error;
    std::filesystem::create_directories(directory.parent_path(), error);
    if (::mkdir(directory.c_str(), 0700) != 0 && errno != EEXIST)
        throw system_error("create the state's directory", directory, ErrorKind::state);
    // otherwise a power failure could remove the directory with its durable contents
    sync_directory(directory.has_parent_path() ? directory.parent_path() : Path("."));
}

void fill(sqlite::Database& database, const std::string& project, std::string_view lineage,
          const Cipher& cipher) {
    state::migrate(database, state::migrations());
    sqlite::Statement(database,
                      "INSERT INTO project (id, name, lineage, key_lock) VALUES (1, ?, ?, ?)")
        .bind(project, lineage, cipher.encrypted_key())
        .run();
    state::authenticate_project(database, cipher);
}

/// Creates the state under a temporary name and renames it, so that no incomplete state ever
/// exists.
void create(const Path& file, const std::string& project, const KeySource& key) {
    const Cipher cipher = Cipher::make(key);
    const Path fresh = file.string() + ".new";
    for (const Path& stale : {fresh, Path(fresh.string() + "-journal")}) ::unlink(stale.c_str());
    // SQLite gives its journals the mode of the database.
    if (!Fd(::open(fresh.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600)))
        throw system_error("create the state", fresh, ErrorKind::state);
    {
        sqlite::Database database(fresh, sqlite::Database::Access::write);
        fill(database, project, uuid_v4(), cipher);
        database.run("VACUUM"); // left by migrations
    }
    if (::rename(fresh.c_str(), file.c_str()) != 0)
        throw system_error("create the state", file, ErrorKind::state);
    sync_directory(file.has_parent_path() ? file.parent_path() : Path("."));
}

void check_contents(sqlite::Database& database) {
    sqlite::Statement check(database, "PRAGMA quick_check(1)");
    if (check.step() && check.text(0) == "ok") return;
    throw Error(ErrorKind::state,
                fmt::format("the state {} is damaged: {}",
                            in_quotes(database.path().string(), 4096), check.text(0)))
        .with_hint(fmt::format("restore a backup; or save what can still be read: sqlite3 {0} "
                               ".recover | sqlite3 {0}.new",
                               database.path().string()));
}

Cipher load_cipher(sqlite::Database& database, const KeySource& key) {
    return Cipher::load(state::stored_key(database), key,
                        "the state " + in_quotes(database.path().string(), 4096));
}

/// Reads an older state, migrating a copy in memory, so that reading changes no file.
std::unique_ptr<state::SqlStore> read_older(sqlite::Database& older, const KeySource& key,
                                            Form form) {
    auto database =
        std::make_unique<sqlite::Database>(older.path(), sqlite::Database::Access::memory);
    database->copy_from(older);
    state::migrate(*database, state::migrations());
    Cipher cipher =
        state::stored_key(*database).empty() ? Cipher::for_memory() : load_cipher(*database, key);
    return std::make_unique<state::SqliteStore>(std::move(database), std::move(cipher),
                                                Store::Mode::read_only, std::move(form));
}

/// Rejects a state without an encrypted data key: its records, which determine commands, may be
/// forged.
void refuse_unsealed(sqlite::Database& database, std::int64_t version, const KeySource& key) {
    constexpr std::int64_t first_with_key = 2;
    const bool sealed = version >= first_with_key && !state::stored_key(database).empty();
    if (version == 0 || sealed || key.takes_unsealed) return;
    throw Error(ErrorKind::state,
                fmt::format("the state {} is not sealed: it predates the sealing of states, or was "
                            "altered outside hadeploy",
                            in_quotes(database.path().string(), 4096)))
        .with_hint("if the state is that old, seal it unchanged: hadeploy state rekey --unsealed");
}

std::unique_ptr<state::SqlStore> open_for_reading(const Path& file, const std::string& project,
                                                  const KeySource& key, Form form) {
    if (!is_present(file)) return state::empty_store(file, project, std::move(form));
    state::check_directory(file);
    state::check_file(file);
    auto database = std::make_unique<sqlite::Database>(file, sqlite::Database::Access::read);
    const std::int64_t version = state::schema_version(*database, state::migrations());
    state::check_objects(*database);
    if (version > 0) state::check_project(*database, project, kOtherFile);
    refuse_unsealed(*database, version, key);
    if (version < static_cast<std::int64_t>(state::migrations().size()) ||
        state::stored_key(*database).empty())
        return read_older(*database, key, std::move(form));
    Cipher cipher = load_cipher(*database, key);
    return std::make_unique<state::SqliteStore>(std::move(database), std::move(cipher),
                                                Store::Mode::read_only, std::move(form));
}

/// Upgrades an older state: first its schema, then its encryption, then the form of its records.
void upgrade(sqlite::Database& database, const KeySource& key, const Form& form) {
    const state::Lock lock(database.path(), state::this_process("migrating the state", true),
                           kShortWaitMs);
    state::migrate(database, state::migrations());
    if (state::stored_key(database).empty()) state::seal_state(database, Cipher::make(key));
    const Cipher cipher = load_cipher(database, key);
    if (cipher.authenticates_set())
        state::check_all(database, cipher); // before it is authenticated again
    else
        state::authenticate_state(database, cipher);
    sql::Transaction transaction(database);
    state::rewrite_rows(database, cipher, form);
    transaction.commit();
}

/// Creates the state unless it exists. Another process that creates it holds the lock only briefly,
/// but may start a run afterwards. This process need not wait for the run, because the state
/// exists.
/// @returns whether this process created it
bool create_if_missing(const Path& file, const std::string& project, const KeySource& key) {
    constexpr std::int64_t slice_ms = 50;
    for (std::int64_t waited = 0; !is_present(file); waited += slice_ms) {
        try {
            const state::Lock lock(file, state::this_process("creating the state", true), slice_ms);
            if (is_present(file)) return false;
            create(file, project, key);
            return true;
        } catch (const Error& error) {
            if (error.kind != ErrorKind::locked || waited >= kShortWaitMs) throw;
        }
    }
    return false;
}

std::unique_ptr<state::SqlStore> open_for_writing(const Path& file, const std::string& project,
                                                  const KeySource& key, Form form) {
    state::check_directory(file);
    make_directory(file);
    const bool created = create_if_missing(file, project, key);
    state::check_file(file);
    auto database = std::make_unique<sqlite::Database>(file, sqlite::Database::Access::write);
    const std::int64_t version = state::schema_version(*database, state::migrations());
    state::check_objects(*database);
    check_contents(*database);
    state::check_project(*database, project, kOtherFile);
    refuse_unsealed(*database, version, key);
    if (version < static_cast<std::int64_t>(state::migrations().size()) ||
        state::stored_key(*database).empty())
        upgrade(*database, key, form);
    Cipher cipher = load_cipher(*database, key);
    if (!cipher.authenticates_set()) { // a migration was killed before it added MACs
        upgrade(*database, key, form);
        cipher = load_cipher(*database, key);
    }
    auto store = std::make_unique<state::SqliteStore>(std::move(database), std::move(cipher),
                                                      Store::Mode::read_write, std::move(form));
    if (created) store->mark_new();
    return store;
}
} // namespace

namespace state {
std::unique_ptr<SqlStore> empty_store(const std::filesystem::path& name, const std::string& project,
                                      Form form) {
    auto database = std::make_unique<sqlite::Database>(name, sqlite::Database::Access::memory);
    Cipher cipher = Cipher::for_memory();
    fill(*database, project, kNoLineage, cipher);
    auto store = std::make_unique<SqliteStore>(std::move(database), std::move(cipher),
                                               Store::Mode::read_only, std::move(form));
    store->mark_new();
    return store;
}

std::unique_ptr<SqlStore> open_sqlite(const std::filesystem::path& file, Store::Mode mode,
                                      const std::string& project, const KeySource& key, Form form) {
    KeySource source = key;
    if (source.file.empty()) source.file = key_file(file);
    auto store = mode == Store::Mode::read_only
                     ? open_for_reading(file, project, source, std::move(form))
                     : open_for_writing(file, project, source, std::move(form));
    store->set_key(std::move(source));
    return store;
}
} // namespace state

} // namespace hadeploy
