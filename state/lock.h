#pragma once

#include "core/file.h"
#include "state/store.h"

#include <filesystem>
#include <optional>
#include <string>

namespace hadeploy::state {

/// The writer's lock of a state: a kernel lock (F_OFD_SETLK) on a file beside the state, which the
/// kernel releases when its holder dies. The file's text only names the holder. The file is never
/// removed, as two processes could then lock different files.
class Lock {
  public:
    /// Waits up to `timeout_ms`, but for a brief holder at least five seconds.
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

/// Whether the owner was a process of this machine that has ended. False if that is not certain.
bool is_dead(const LockOwner& owner);

/// The text of an owner, and the owner of a text; nullopt when it is invalid.
std::string owner_text(const LockOwner& owner);
std::optional<LockOwner> parse_owner(std::string_view text);
/// The error for others. @param state  the state's name in quotes
Error in_use(const std::string& state, const LockOwner& owner);
std::string describe(const LockOwner& owner);

} // namespace hadeploy::state
