#pragma once

#include "core/error.h"

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <string_view>

struct sqlite3;
struct sqlite3_stmt;

namespace hadeploy::sqlite {

/// One connection. Not thread-safe: whoever shares it brings the mutex.
class Database {
  public:
    enum class Access {
        read, ///< changes are refused (but what a crash left half written is rolled back)
        write,
        memory, ///< a private database without a file; `path` is for messages alone
    };
    /// Opens a file that exists. @throws Error(state)
    Database(std::filesystem::path path, Access access);
    ~Database();
    Database(const Database&) = delete;
    Database& operator=(const Database&) = delete;

    /// For the time of a run: commits go to a log beside the file, which costs a tenth (about 0.1
    /// ms against 2 ms) and is as durable. Switched off, the log goes into the file and is removed;
    /// where that can't be done now (somebody reads), the next run's end does it.
    /// @throws Error(state)
    void write_ahead(bool on);

    /// Runs statements that give no rows. @throws Error(state)
    void run(const std::string& sql);
    /// The first row's first column, e.g. of a PRAGMA. @throws Error(state)
    std::int64_t number(std::string_view sql);

    /// Takes over all that another database holds. @throws Error(state)
    void copy_from(Database& other);

    /// Rows that the last INSERT, UPDATE or DELETE touched.
    [[nodiscard]] std::int64_t changes() const;
    [[nodiscard]] std::int64_t last_id() const;
    /// Some errors (a full disk, say) end the transaction as a whole by themselves.
    [[nodiscard]] bool in_transaction() const;
    [[nodiscard]] const std::filesystem::path& path() const { return path_; }
    /// The connection's last error, for people: path, cause, what to do.
    [[nodiscard]] Error error() const;

  private:
    friend class Statement;
    struct Closer {
        void operator()(sqlite3* handle) const;
    };
    /// One that is not in use, or a fresh one. @throws Error(state)
    sqlite3_stmt* prepare(std::string_view sql);
    void give_back(sqlite3_stmt* statement);

    std::filesystem::path path_;
    std::unique_ptr<sqlite3, Closer> handle_;
    std::map<std::string, sqlite3_stmt*, std::less<>> idle_; ///< prepared, by their text
};

/// One prepared statement, which the database keeps for the next who wants the same. bind() starts
/// it anew, so that it can be used in a loop.
class Statement {
  public:
    /// @throws Error(state)
    Statement(Database& database, std::string_view sql);
    ~Statement();
    Statement(const Statement&) = delete;
    Statement& operator=(const Statement&) = delete;

    /// Sets all parameters, in order.
    template<class... Values>
    Statement& bind(const Values&... values) {
        reset();
        int index = 0;
        (set(++index, values), ...);
        return *this;
    }
    /// The next row; false after the last. @throws Error(state)
    bool step();
    /// step() of a statement without rows.
    void run() {
        while (step()) {
        }
    }
    [[nodiscard]] std::int64_t integer(int column) const;
    [[nodiscard]] std::string text(int column) const;

  private:
    void reset();
    void set(int index, std::int64_t value);
    void set(int index, std::string_view value);

    Database& database_;
    sqlite3_stmt* statement_;
};

/// A write transaction, or with a name a part of one (a savepoint). Undone unless committed.
class Transaction {
  public:
    explicit Transaction(Database& database, std::string savepoint = "");
    ~Transaction();
    Transaction(const Transaction&) = delete;
    Transaction& operator=(const Transaction&) = delete;
    /// @throws Error(state); nothing is written then
    void commit();

  private:
    Database& database_;
    std::string savepoint_;
    bool open_ = true;
};

} // namespace hadeploy::sqlite
