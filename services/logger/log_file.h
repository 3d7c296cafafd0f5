#pragma once

#include "common/rpc.h"

#include <cstdint>
#include <string>

namespace hadeploy::svc {

/// Another process holds the lock, possibly a dead one whose lock the volume still keeps.
class LogLocked : public std::runtime_error {
  public:
    using std::runtime_error::runtime_error;
};

/// The log of the database's writes: one line `TIME seq=N created name="…" …` for each write, in
/// the order of `seq`. The last complete line is the only record of the logged writes.
class LogFile {
  public:
    /// Locks the file against other processes and removes an incomplete last line.
    /// Throws LogLocked, or std::runtime_error if the file cannot be used.
    explicit LogFile(const std::string& directory);
    ~LogFile();
    LogFile(const LogFile&) = delete;
    LogFile& operator=(const LogFile&) = delete;

    std::int64_t last() const { return last_; }

    /// Appends the writes that are not in the file and returns once they are on the disk. Throws
    /// RpcError "invalid" if a write is missing in between. After a std::runtime_error the file
    /// must be reopened.
    void append(const Json& writes);

  private:
    void lock();
    void find_end();

    std::string path_;
    int fd_ = -1;
    std::int64_t last_ = 0;
};

/// The line of one write, with its line break.
std::string log_line_of(const Json& write);

} // namespace hadeploy::svc
