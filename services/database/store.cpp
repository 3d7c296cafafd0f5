#include "database/store.h"

#include "common/file_lock.h"
#include "common/text.h"

#include <cerrno>
#include <fcntl.h>
#include <mutex>
#include <sqlite3.h>
#include <string_view>
#include <unistd.h>

namespace hadeploy::svc {
namespace {

constexpr int kSchemaVersion = 1;
constexpr int kLockWaitMillis = 1000;
constexpr int kCheckpointPages = 250; ///< 1 MB, which the next process reads before it is ready
/// The largest integer that JavaScript and other JSON readers represent exactly.
constexpr std::int64_t kMostTotal = (std::int64_t{1} << 53) - 1;

// EXCLUSIVE: one process holds the lock as long as it runs, so no second process on any node uses
// stale pages from its file system's cache; and the write-ahead log needs no shared memory, which a
// network file system does not provide. With the log, a commit is one append and one sync, a
// rollback journal needs three files' worth of them; on a replicated volume each sync involves all
// replicas. FULL: the log is synced at every commit.
constexpr const char* kPragmas = "PRAGMA locking_mode = EXCLUSIVE;"
                                 "PRAGMA journal_mode = WAL;"
                                 "PRAGMA journal_size_limit = 1048576;"
                                 "PRAGMA synchronous = FULL;"
                                 "PRAGMA temp_store = MEMORY;"
                                 "PRAGMA trusted_schema = OFF;";

constexpr const char* kSchema = R"sql(
CREATE TABLE entities (
    name       TEXT PRIMARY KEY,
    quantity   INTEGER NOT NULL,
    changed_at TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE writes (
    seq      INTEGER PRIMARY KEY AUTOINCREMENT,
    id       TEXT NOT NULL UNIQUE,
    name     TEXT NOT NULL,
    quantity INTEGER NOT NULL,
    action   TEXT NOT NULL CHECK (action IN ('created', 'incremented')),
    total    INTEGER NOT NULL,
    at       TEXT NOT NULL,
    node     TEXT NOT NULL
);
PRAGMA user_version = 1;
)sql";

constexpr const char* kWriteColumns = "seq, id, name, quantity, action, total, at, node";

/// Opens a file for SQLite, and locks the write-ahead log, which SQLite leaves unlocked in
/// exclusive mode. A commit writes to the log alone. A volume with `client.strict-locks` refuses
/// writes to a file whose lock it has dropped, for example because the connection broke; without
/// this lock, a database that no longer owns the file would continue to commit, into the log of its
/// successor.
int open_file(const char* path, int flags, int mode) {
    const int fd = ::open(path, flags, mode);
    if (fd < 0 || !std::string_view(path).ends_with("-wal")) return fd;
    int problem = EAGAIN;
    try {
        if (try_lock(fd)) return fd;
    } catch (const std::system_error& error) {
        problem = error.code().value();
    }
    ::close(fd);
    errno = problem;
    return -1;
}

void replace_open() {
    static std::once_flag once;
    std::call_once(once, [] {
        sqlite3_vfs* vfs = sqlite3_vfs_find("unix");
        vfs->xSetSystemCall(vfs, "open", reinterpret_cast<sqlite3_syscall_ptr>(open_file));
    });
}

[[noreturn]] void fail(sqlite3* db, const std::string& what) {
    throw StoreError(sqlite3_extended_errcode(db), what + ": " + sqlite3_errmsg(db));
}

} // namespace

StoreError StoreError::lost_lock() {
    return {SQLITE_IOERR, "the volume has dropped the lock of this database"};
}

bool StoreError::is_locked() const {
    const int primary = code_ & 0xFF;
    // CANTOPEN: the log is locked, see open_file()
    return primary == SQLITE_BUSY || primary == SQLITE_LOCKED || primary == SQLITE_CANTOPEN;
}

bool StoreError::is_full() const {
    return (code_ & 0xFF) == SQLITE_FULL;
}

bool StoreError::is_input_output() const {
    return (code_ & 0xFF) == SQLITE_IOERR;
}

void Store::Close::operator()(sqlite3* handle) const {
    sqlite3_close(handle);
}

/// A prepared statement that is used once.
class Store::Statement {
  public:
    Statement(Store& store, const std::string& sql) : db_(store.db_.get()) {
        if (sqlite3_prepare_v2(db_, sql.c_str(), -1, &handle_, nullptr) != SQLITE_OK)
            fail(db_, "prepare");
    }
    ~Statement() { sqlite3_finalize(handle_); }
    Statement(const Statement&) = delete;
    Statement& operator=(const Statement&) = delete;

    Statement& bind(const std::string& text) {
        sqlite3_bind_text(handle_, ++bound_, text.c_str(), -1, SQLITE_TRANSIENT);
        return *this;
    }
    Statement& bind(std::int64_t number) {
        sqlite3_bind_int64(handle_, ++bound_, number);
        return *this;
    }
    bool step() {
        const int code = sqlite3_step(handle_);
        if (code != SQLITE_ROW && code != SQLITE_DONE) fail(db_, "step");
        return code == SQLITE_ROW;
    }
    std::int64_t integer(int column) const { return sqlite3_column_int64(handle_, column); }
    std::string text(int column) const {
        const auto* bytes = reinterpret_cast<const char*>(sqlite3_column_text(handle_, column));
        return bytes == nullptr ? std::string() : std::string(bytes);
    }
    Write write() const {
        return {integer(0), text(1), text(2), integer(3), text(4), integer(5), text(6), text(7)};
    }

  private:
    sqlite3* db_;
    sqlite3_stmt* handle_ = nullptr;
    int bound_ = 0;
};

Store::Store(const std::string& directory, std::string node) : node_(std::move(node)) {
    replace_open();
    const std::string path = directory + "/entities.db";
    sqlite3* handle = nullptr;
    const int code =
        sqlite3_open_v2(path.c_str(), &handle, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, nullptr);
    db_.reset(handle);
    // Waiting does not help if the file itself cannot be opened: not SQLITE_CANTOPEN.
    if (code != SQLITE_OK)
        throw StoreError(SQLITE_ERROR, "cannot open " + path + ": " + sqlite3_errmsg(handle));
    sqlite3_extended_result_codes(handle, 1);
    sqlite3_busy_timeout(handle, kLockWaitMillis);
    // A checkpoint at the end would only make the standby wait: the standby reads the log faster
    // than this process could write its pages to the file.
    sqlite3_db_config(handle, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr);
    sqlite3_wal_autocheckpoint(handle, kCheckpointPages);
    execute(kPragmas);
    // The first write transaction takes the lock and recovers from a killed process.
    execute("BEGIN EXCLUSIVE");
    create_tables();
    execute("COMMIT");
}

std::int64_t Store::schema_version() {
    Statement query(*this, "PRAGMA user_version");
    query.step();
    return query.integer(0);
}

void Store::create_tables() {
    const std::int64_t found = schema_version();
    if (found > kSchemaVersion)
        throw StoreError(SQLITE_ERROR, "the database file has schema version " +
                                           std::to_string(found) + "; this program knows " +
                                           std::to_string(kSchemaVersion) +
                                           ": deploy the newer image again");
    if (found == 0) execute(kSchema);
}

void Store::execute(const char* sql) {
    if (sqlite3_exec(db_.get(), sql, nullptr, nullptr, nullptr) != SQLITE_OK)
        fail(db_.get(), "database");
}

void Store::begin() {
    execute("BEGIN");
}
void Store::commit() {
    execute("COMMIT");
}

void Store::rollback() noexcept {
    if (sqlite3_get_autocommit(db_.get()) == 0)
        sqlite3_exec(db_.get(), "ROLLBACK", nullptr, nullptr, nullptr);
}

Store::PutResult Store::put(const std::string& id, const std::string& name, std::int64_t quantity) {
    if (auto known = find_write(id)) {
        if (known->name != name || known->quantity != quantity)
            throw RpcError("conflict", "id " + id + " was used for another write");
        return {std::move(*known), true};
    }
    const auto entity = find_entity(name);
    const std::int64_t before = entity ? entity->quantity : 0;
    if (quantity > kMostTotal - before) throw RpcError("overflow", "the total would be too large");
    const std::string action = entity ? "incremented" : "created";
    const std::int64_t total = before + quantity;
    const std::string at = now_iso();
    Statement(*this, "INSERT INTO entities VALUES (?1, ?2, ?3) ON CONFLICT (name) DO UPDATE "
                     "SET quantity = excluded.quantity, changed_at = excluded.changed_at")
        .bind(name)
        .bind(total)
        .bind(at)
        .step();
    Statement(*this, "INSERT INTO writes (id, name, quantity, action, total, at, node) "
                     "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)")
        .bind(id)
        .bind(name)
        .bind(quantity)
        .bind(action)
        .bind(total)
        .bind(at)
        .bind(node_)
        .step();
    const std::int64_t seq = sqlite3_last_insert_rowid(db_.get());
    return {{seq, id, name, quantity, action, total, at, node_}, false};
}

std::optional<Write> Store::find_write(const std::string& id) {
    Statement query(*this, std::string("SELECT ") + kWriteColumns + " FROM writes WHERE id = ?1");
    if (!query.bind(id).step()) return std::nullopt;
    return query.write();
}

std::optional<Entity> Store::find_entity(const std::string& name) {
    Statement query(*this, "SELECT name, quantity, changed_at FROM entities WHERE name = ?1");
    if (!query.bind(name).step()) return std::nullopt;
    return Entity{query.text(0), query.integer(1), query.text(2)};
}

std::vector<Entity> Store::entities(const std::string& after, std::int64_t limit) {
    Statement query(*this, "SELECT name, quantity, changed_at FROM entities "
                           "WHERE name > ?1 ORDER BY name LIMIT ?2");
    query.bind(after).bind(limit);
    std::vector<Entity> found;
    while (query.step()) found.push_back({query.text(0), query.integer(1), query.text(2)});
    return found;
}

std::int64_t Store::entity_count() {
    Statement query(*this, "SELECT count(*) FROM entities");
    query.step();
    return query.integer(0);
}

std::vector<Write> Store::writes_after(std::int64_t seq, std::int64_t limit) {
    Statement query(*this, std::string("SELECT ") + kWriteColumns +
                               " FROM writes WHERE seq > ?1 ORDER BY seq LIMIT ?2");
    query.bind(seq).bind(limit);
    std::vector<Write> found;
    while (query.step()) found.push_back(query.write());
    return found;
}

std::vector<Write> Store::writes_after(std::int64_t seq, std::int64_t limit,
                                       const std::string& prefix) {
    // `+seq` keeps SQLite from reading all writes in order instead of the few in the index of IDs.
    Statement query(*this, std::string("SELECT ") + kWriteColumns +
                               " FROM writes WHERE id >= ?1 AND id < ?2 AND +seq > ?3 "
                               "ORDER BY +seq LIMIT ?4");
    query.bind(prefix).bind(prefix + "\x7f").bind(seq).bind(limit); // IDs are printable ASCII
    std::vector<Write> found;
    while (query.step()) found.push_back(query.write());
    return found;
}

std::int64_t Store::last_seq() {
    Statement query(*this, "SELECT coalesce(max(seq), 0) FROM writes");
    query.step();
    return query.integer(0);
}

std::string Store::check() {
    Statement query(*this, "PRAGMA quick_check(1)");
    query.step();
    return query.text(0);
}

} // namespace hadeploy::svc
