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

/// A connection. Not thread-safe: threads that share it must use a mutex.
class Database {
  public:
    enum class Access {
        read, ///< rejects changes, but rolls back a transaction that a crash interrupted
        write,
        memory, ///< a private database without a file; `path` is only for messages
    };
    /// Opens an existing file. @throws Error(state)
    Database(std::filesystem::path path, Access access);
    ~Database();
    Database(const Database&) = delete;
    Database& operator=(const Database&) = delete;

    /// Enables the write-ahead log for a run: a commit to the log is as durable, but takes about
    /// 0.1 ms instead of 2 ms. Disabling merges the log into the file and removes it; if a reader
    /// prevents this, the end of the next run does it.
    /// @throws Error(state)
    void write_ahead(bool on);

    /// Runs statements without result rows. @throws Error(state)
    void run(const std::string& sql);
    /// The first column of the first row, e.g. of a PRAGMA. @throws Error(state)
    std::int64_t number(std::string_view sql);

    /// Copies the contents of another database. @throws Error(state)
    void copy_from(Database& other);

    /// The number of rows changed by the last INSERT, UPDATE or DELETE.
    [[nodiscard]] std::int64_t changes() const;
    [[nodiscard]] std::int64_t last_id() const;
    /// Some errors, for example a full disk, roll back the whole transaction.
    [[nodiscard]] bool in_transaction() const;
    [[nodiscard]] const std::filesystem::path& path() const { return path_; }
    /// The connection's last error with path, cause and hint.
    [[nodiscard]] Error error() const;

  private:
    friend class Statement;
    struct Closer {
        void operator()(sqlite3* handle) const;
    };
    /// Returns an idle prepared statement or a new one. @throws Error(state)
    sqlite3_stmt* prepare(std::string_view sql);
    void give_back(sqlite3_stmt* statement);

    std::filesystem::path path_;
    std::unique_ptr<sqlite3, Closer> handle_;
    std::map<std::string, sqlite3_stmt*, std::less<>> idle_; ///< prepared statements by their text
};

/// A prepared statement, which the database caches for later use. bind() resets it, so that it can
/// be used in a loop.
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
    /// Runs a statement without result rows. @throws Error(state)
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

/// A write transaction, or a savepoint within one if it has a name. Rolled back unless committed.
class Transaction {
  public:
    explicit Transaction(Database& database, std::string savepoint = "");
    ~Transaction();
    Transaction(const Transaction&) = delete;
    Transaction& operator=(const Transaction&) = delete;
    /// @throws Error(state), in which case nothing is written
    void commit();

  private:
    Database& database_;
    std::string savepoint_;
    bool open_ = true;
};

} // namespace hadeploy::sqlite
