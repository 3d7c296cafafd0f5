#pragma once

#include "core/file.h"
#include "state/store.h"

#include <filesystem>
#include <optional>
#include <string>

namespace hadeploy::state {

/// The writer's lock of a state: the kernel's lock (of the open file description) on a file beside
/// it, which ends with its holder's life however that ends. The file's text only names the holder.
/// It is never removed: two could then hold "the" lock on two files.
class Lock {
  public:
    /// Waits up to `timeout_ms`; for a holder that is brief up to five seconds in any case.
    /// @throws Error(locked) naming the holder; Error(state) when the file cannot be used
    Lock(const std::filesystem::path& state, const LockOwner& owner, std::int64_t timeout_ms);
    ~Lock();
    Lock(const Lock&) = delete;
    Lock& operator=(const Lock&) = delete;

  private:
    Fd fd_;
};

/// "state.db" -> "state.db.lock"
std::filesystem::path lock_file(const std::filesystem::path& state);

/// This process as the owner of a lock.
LockOwner this_process(const std::string& command, bool brief = false);

/// What the lock file says; nothing when it says nothing that can be read.
std::optional<LockOwner> parse_owner(std::string_view text);
std::string describe(const LockOwner& owner);

} // namespace hadeploy::state
