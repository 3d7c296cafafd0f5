#pragma once

#include "state/sql.h"

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <string_view>

struct sqlite3;
struct sqlite3_stmt;

namespace hadeploy::sqlite {

using sql::Statement;
using sql::Transaction;

/// A connection to a file.
class Database final : public sql::Database {
  public:
    enum class Access {
        read, ///< rejects changes, except for the rollback of a transaction that a crash
              ///< interrupted
        write,
        memory, ///< a private database without a file; `path` is only for messages
    };
    /// Opens an existing file. @throws Error(state)
    Database(std::filesystem::path path, Access access);
    ~Database() override;
    Database(const Database&) = delete;
    Database& operator=(const Database&) = delete;

    /// Enables the write-ahead log for a run: a commit to the log is equally durable, but takes
    /// about 0.1 ms instead of 2 ms. Disabling it merges the log into the file and removes the log;
    /// if a reader prevents this, the log is merged at the end of the next run.
    /// @throws Error(state)
    void write_ahead(bool on);

    /// Runs statements without result rows. @throws Error(state)
    void run(const std::string& sql);
    /// The first column of the first row, e.g. of a PRAGMA. @throws Error(state)
    std::int64_t number(std::string_view sql);

    /// Copies the contents of a different database into this one. @throws Error(state)
    void copy_from(Database& other);

    std::unique_ptr<sql::Prepared> prepare(std::string_view sql) override;
    [[nodiscard]] std::string name() const override;
    [[nodiscard]] const std::filesystem::path& path() const { return path_; }

  protected:
    void begin() override;
    void commit() override;
    void rollback() override;

  private:
    class Use;
    /// The connection's last error with path, cause and hint.
    [[nodiscard]] Error error() const;
    struct Closer {
        void operator()(sqlite3* handle) const;
    };
    /// Returns an idle prepared statement or a new one. @throws Error(state)
    sqlite3_stmt* idle_or_new(std::string_view sql);
    void give_back(sqlite3_stmt* statement);

    std::filesystem::path path_;
    std::unique_ptr<sqlite3, Closer> handle_;
    std::map<std::string, sqlite3_stmt*, std::less<>> idle_; ///< prepared statements by their text
};

} // namespace hadeploy::sqlite
