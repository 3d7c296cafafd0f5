#pragma once

#include "core/file.h"
#include "state/store.h"

#include <filesystem>
#include <optional>
#include <string>

namespace hadeploy::state {

/// The writer's lock of a state: a kernel lock (F_OFD_SETLK) on a file beside the state. The kernel
/// releases it when its holder dies. The content of the file only names the holder. The file is
/// never removed, because two processes could then lock different files.
class Lock {
  public:
    /// Waits up to `timeout_ms`, but at least five seconds if the holder needs the lock only
    /// briefly.
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

/// Describes this process as the owner of a lock.
LockOwner this_process(const std::string& command, bool brief = false);

/// Whether the owner was a process of this machine that has ended. False if that is not certain.
bool is_dead(const LockOwner& owner);

/// Converts an owner to text and back; nullopt when the text is invalid.
std::string owner_text(const LockOwner& owner);
std::optional<LockOwner> parse_owner(std::string_view text);
/// The error for processes that do not get the lock. @param state  the state's name in quotes
Error in_use(const std::string& state, const LockOwner& owner);
std::string describe(const LockOwner& owner);

} // namespace hadeploy::state
