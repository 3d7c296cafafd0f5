#pragma once

#include "state/lock.h"
#include "state/sql_store.h"
#include "state/sqlite.h"

namespace hadeploy::state {

/// A Store in a file.
class SqliteStore final : public SqlStore {
  public:
    /// @param database  open, checked and migrated
    SqliteStore(std::unique_ptr<sqlite::Database> database, Cipher cipher, Mode mode, Form form);
    ~SqliteStore() override;

    void lock(const std::string& command, std::int64_t timeout_ms) override;

  protected:
    void transact(const std::function<void()>& body) override;

  private:
    /// @throws Error(state) when a different file now has the path
    void check_same_file() const;

    sqlite::Database& file_; ///< owned by SqlStore
    std::unique_ptr<Lock> lock_;
    std::int64_t epoch_ = 0;               ///< set by lock()
    std::uint64_t device_ = 0, inode_ = 0; ///< device and inode of the open file
};

} // namespace hadeploy::state
