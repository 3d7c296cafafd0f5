#pragma once

#include "state/store.h"

#include <filesystem>
#include <optional>
#include <string_view>

namespace hadeploy::state {

/// The name of the network file system with this number in statfs(2); nullopt for a local one.
std::optional<std::string_view> network_file_system(std::int64_t magic);

/// Checks the state's directory, or the directory in which it will be created, and the files that
/// SQLite would open beside the state.
/// @throws Error(state) when other users can write to the directory, when a file that is not a
///         regular file has the name of a journal or of the lock, or when locks of the file system
///         are unreliable
void check_directory(const std::filesystem::path& state);

/// Checks a state file before SQLite opens it.
/// @throws Error(state) when it is a link, not a regular file, empty, not a database, or accessible
///         to other users
void check_file(const std::filesystem::path& state);

} // namespace hadeploy::state
