#pragma once

#include "common/rpc.h"

#include <cstdint>
#include <string>

namespace hadeploy::svc {

/// Another process holds the file; it may be a dead one whose lock the volume still keeps.
class LogLocked : public std::runtime_error {
  public:
    using std::runtime_error::runtime_error;
};

/// The file of what the database did: a line a write, `TIME seq=N created name="…" …`, in the
/// order of `seq`, each once. The last whole line says where to go on, so there is no other state.
class LogFile {
  public:
    /// Locks the file against other processes and cuts off a line that a crash left unfinished.
    /// Throws LogLocked, or std::runtime_error when the file cannot be used.
    explicit LogFile(const std::string& directory);
    ~LogFile();
    LogFile(const LogFile&) = delete;
    LogFile& operator=(const LogFile&) = delete;

    std::int64_t last() const { return last_; }

    /// Appends those writes that are not there yet and returns when they are on the disk.
    /// RpcError "invalid" when a write is missing in between. After a std::runtime_error the file
    /// must be opened anew.
    void append(const Json& writes);

  private:
    void lock();
    void find_end();

    std::string path_;
    int fd_ = -1;
    std::int64_t last_ = 0;
};

/// The line of one write, with its newline.
std::string log_line_of(const Json& write);

} // namespace hadeploy::svc
