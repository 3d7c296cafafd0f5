#pragma once

#include <string>

namespace hadeploy::svc {

/// The right to use the database file: a lock on another file in its directory, so that a database
/// that waits for it never reads the database itself. What a node has read of a file on a network
/// file system stays in its cache for a moment, and would be stale when its turn comes.
class WriterLock {
  public:
    /// Opens the lock file, and creates it if necessary.
    /// @throws std::system_error
    explicit WriterLock(const std::string& directory);
    /// Releases the lock.
    ~WriterLock();
    WriterLock(const WriterLock&) = delete;
    WriterLock& operator=(const WriterLock&) = delete;

    /// False if another process holds the lock.
    /// @throws std::system_error if the file system cannot tell; another attempt needs a new object
    bool try_lock();

  private:
    int fd_ = -1;
};

} // namespace hadeploy::svc
