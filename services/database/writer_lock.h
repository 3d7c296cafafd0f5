#pragma once

#include <string>

namespace hadeploy::svc {

/// The right to use the database file. It is a lock on a separate file in the same directory, so
/// that a waiting process never reads the database file. Data that a node has read from a file on a
/// network file system stays in the node's cache for a moment, and would be stale by the time the
/// process gets the lock.
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
    /// @throws std::system_error if the file system cannot report this; another attempt needs a new
    /// object
    bool try_lock();

    /// Whether the lock still excludes all others. A volume with `client.strict-locks` drops it on
    /// every replica to which the connection broke, even if the replica is reachable again.
    bool is_held();

  private:
    int fd_ = -1;
};

} // namespace hadeploy::svc
