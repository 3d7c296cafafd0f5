#include "state/sqlite.h"

#include "core/text.h"

#include <fmt/format.h>
#include <sqlite3.h>
#include <utility>

namespace hadeploy::sqlite {

namespace {
// Readers hold the file only during a query, so that a longer wait means that one hangs.
constexpr int kBusyTimeoutMs = 20'000;

// Between runs the state is a single file, which can be copied, and read without write access.
// EXTRA also syncs the directory after removal of the journal, so that a power failure cannot
// restore a journal that would undo a commit.
constexpr const char* kSettings = "PRAGMA synchronous = EXTRA;"
                                  "PRAGMA secure_delete = ON;"
                                  "PRAGMA trusted_schema = OFF;"
                                  "PRAGMA cell_size_check = ON;"
                                  "PRAGMA temp_store = MEMORY;";

Error explain(int code, const std::string& cause, const std::filesystem::path& path) {
    const std::string file = in_quotes(path.string(), 4096);
    const auto error = [&](std::string_view what, std::string hint) {
        return Error(ErrorKind::state, fmt::format("the state {} {}: {}", file, what, cause))
            .with_hint(std::move(hint));
    };
    switch (code & 0xFF) {
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
        return error("is damaged", fmt::format("restore a backup; or save what can still be read: "
                                               "sqlite3 {0} .recover | sqlite3 {0}.new",
                                               path.string()));
    case SQLITE_FULL:
        return error("cannot be written", "free space on its disk and run the command again, "
                                          "which continues the recorded changes");
    case SQLITE_READONLY:
    case SQLITE_PERM:
    case SQLITE_AUTH:
    case SQLITE_CANTOPEN:
        return error("cannot be opened or written",
                     fmt::format("check its owner, its directory and the mount: ls -ld {} {}",
                                 path.parent_path().empty() ? "." : path.parent_path().string(),
                                 path.string()));
    case SQLITE_BUSY:
        return error("is locked by another program",
                     fmt::format("to find the program: fuser -v {}", path.string()));
    case SQLITE_IOERR:
        return error("cannot be read or written",
                     "check its disk (dmesg); then run the command again");
    case SQLITE_ERROR: // a table or a column is missing
    case SQLITE_SCHEMA:
    case SQLITE_MISMATCH:
    case SQLITE_CONSTRAINT:
        return error("was altered outside hadeploy", "restore a backup of the state");
    case SQLITE_NOMEM: return error("cannot be used", "free memory, then run the command again");
    default:
        return error("cannot be used", "run the command again; if that does not help, restore a "
                                       "backup of the state");
    }
}
} // namespace

void Database::Closer::operator()(sqlite3* handle) const {
    sqlite3_close(handle);
}

Database::Database(std::filesystem::path path, Access access) : path_(std::move(path)) {
    // Readers also open for writing where permitted, to roll back what a killed writer left half
    // written. query_only prevents any other change.
    const int flags = SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_READWRITE |
                      (access == Access::memory ? SQLITE_OPEN_MEMORY : 0);
    sqlite3* handle = nullptr;
    const int code = sqlite3_open_v2(path_.c_str(), &handle, flags, nullptr);
    handle_.reset(handle);
    if (code != SQLITE_OK) throw explain(code, sqlite3_errstr(code), path_);
    sqlite3_extended_result_codes(handle, 1);
    sqlite3_busy_timeout(handle, kBusyTimeoutMs);
    sqlite3_db_config(handle, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
    sqlite3_db_config(handle, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, nullptr);
    sqlite3_db_config(handle, SQLITE_DBCONFIG_ENABLE_VIEW, 0, nullptr);
    // Opening a file on a read-only mount succeeds, and only writing fails.
    if (access == Access::write && sqlite3_db_readonly(handle, "main") == 1)
        throw explain(SQLITE_READONLY, "no permission to write, or a read-only file system", path_);
    run(access == Access::read ? "PRAGMA trusted_schema = OFF; PRAGMA query_only = ON;"
                               : kSettings);
    // only the writer performs checkpoints
    if (access == Access::read)
        sqlite3_db_config(handle, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr);
}

Database::~Database() {
    for (auto& [sql, statement] : idle_) sqlite3_finalize(statement);
}

void Database::write_ahead(bool on) {
    // do not wait for readers: the end of the next run retries
    if (!on) sqlite3_busy_timeout(handle_.get(), 0);
    Statement mode(*this, on ? "PRAGMA journal_mode = WAL" : "PRAGMA journal_mode = DELETE");
    const bool wal = mode.step() && mode.text(0) == "wal";
    run(wal ? "PRAGMA synchronous = FULL" : "PRAGMA synchronous = EXTRA");
}

sqlite3_stmt* Database::idle_or_new(std::string_view sql) {
    if (const auto it = idle_.find(sql); it != idle_.end()) {
        sqlite3_stmt* statement = it->second;
        idle_.erase(it);
        return statement;
    }
    sqlite3_stmt* statement = nullptr;
    const int code = sqlite3_prepare_v3(handle_.get(), sql.data(), static_cast<int>(sql.size()),
                                        SQLITE_PREPARE_PERSISTENT, &statement, nullptr);
    if (code == SQLITE_OK) return statement;
    sqlite3_finalize(statement);
    throw error();
}

void Database::give_back(sqlite3_stmt* statement) {
    sqlite3_reset(statement); // otherwise the statement keeps its lock on the file
    sqlite3_clear_bindings(statement);
    const bool kept = idle_.emplace(sqlite3_sql(statement), statement).second;
    if (!kept) sqlite3_finalize(statement);
}

Error Database::error() const {
    const int code = sqlite3_extended_errcode(handle_.get());
    return explain(code, sqlite3_errmsg(handle_.get()), path_);
}

void Database::run(const std::string& sql) {
    if (sqlite3_exec(handle_.get(), sql.c_str(), nullptr, nullptr, nullptr) != SQLITE_OK)
        throw error();
}

std::int64_t Database::number(std::string_view sql) {
    Statement statement(*this, sql);
    return statement.step() ? statement.integer(0) : 0;
}

void Database::copy_from(Database& other) {
    sqlite3_backup* backup =
        sqlite3_backup_init(handle_.get(), "main", other.handle_.get(), "main");
    if (backup == nullptr) throw error();
    (void)sqlite3_backup_step(backup, -1); // all pages; errors are reported by finish
    if (sqlite3_backup_finish(backup) != SQLITE_OK) throw error();
}

std::string Database::name() const {
    return in_quotes(path_.string(), 4096);
}

void Database::begin() {
    run("BEGIN IMMEDIATE");
}
void Database::commit() {
    run("COMMIT");
}
void Database::rollback() {
    // Some errors, for example a full disk, have rolled back the transaction already.
    if (sqlite3_get_autocommit(handle_.get()) == 0)
        sqlite3_exec(handle_.get(), "ROLLBACK", nullptr, nullptr, nullptr);
}

/// A use of a prepared statement, which the database keeps for later uses.
class Database::Use final : public sql::Prepared {
  public:
    Use(Database& database, std::string_view sql)
        : database_(database), statement_(database.idle_or_new(sql)) {}
    ~Use() override { database_.give_back(statement_); }
    Use(const Use&) = delete;
    Use& operator=(const Use&) = delete;

    void reset() override { sqlite3_reset(statement_); }
    void set(int index, std::int64_t value) override {
        if (sqlite3_bind_int64(statement_, index, value) != SQLITE_OK) throw database_.error();
    }
    void set(int index, std::string_view value) override {
        // Copied: the statement may outlive the argument.
        if (sqlite3_bind_text64(statement_, index, value.data(), value.size(), SQLITE_TRANSIENT,
                                SQLITE_UTF8) != SQLITE_OK)
            throw database_.error();
    }
    bool step() override {
        const int code = sqlite3_step(statement_);
        if (code == SQLITE_ROW) return true;
        if (code != SQLITE_DONE) {
            Error error = database_.error();
            sqlite3_reset(statement_);
            throw error;
        }
        // Otherwise the statement keeps its lock on the file.
        sqlite3_reset(statement_);
        return false;
    }
    void run() override {
        while (step()) {
        }
    }
    void run_one(const Error& otherwise) override {
        run();
        if (sqlite3_changes64(database_.handle_.get()) != 1) throw Error(otherwise);
    }
    [[nodiscard]] std::int64_t integer(int column) const override {
        return sqlite3_column_int64(statement_, column);
    }
    [[nodiscard]] std::string text(int column) const override {
        const auto* bytes = reinterpret_cast<const char*>(sqlite3_column_text(statement_, column));
        const auto size = static_cast<std::size_t>(sqlite3_column_bytes(statement_, column));
        return bytes == nullptr ? std::string() : std::string(bytes, size);
    }

  private:
    Database& database_;
    sqlite3_stmt* statement_;
};

std::unique_ptr<sql::Prepared> Database::prepare(std::string_view sql) {
    return std::make_unique<Use>(*this, sql);
}

} // namespace hadeploy::sqlite
