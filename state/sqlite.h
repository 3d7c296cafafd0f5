#pragma once

#include "core/error.h"

#include <cstdint>
#include <filesystem>
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
    std::filesystem::path path_;
    std::unique_ptr<sqlite3, Closer> handle_;
};

/// One prepared statement. bind() starts it anew, so that it can be used in a loop.
class Statement {
  public:
    /// @throws Error(state)
    Statement(Database& database, std::string_view sql);

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

    struct Finalizer {
        void operator()(sqlite3_stmt* statement) const;
    };
    Database& database_;
    std::unique_ptr<sqlite3_stmt, Finalizer> statement_;
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
