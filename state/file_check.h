#pragma once

#include "state/store.h"

#include <filesystem>
#include <optional>
#include <string_view>

namespace hadeploy::state {

/// The name of a network file system, by statfs(2)'s number; nothing for a local one.
std::optional<std::string_view> network_file_system(std::int64_t magic);

/// Looks at the state's directory, or where that is to be made, and at what SQLite would open there
/// beside the state.
/// @throws Error(state) when the directory is not one that only this user writes to, something
///         other than a regular file has the name of a journal or of the lock, or the file system
///         cannot be trusted with locks
void check_directory(const std::filesystem::path& state);

/// Looks at a state file from outside, before SQLite does.
/// @throws Error(state) when it is a link, no regular file, empty, no database, or open to others
void check_file(const std::filesystem::path& state);

} // namespace hadeploy::state
