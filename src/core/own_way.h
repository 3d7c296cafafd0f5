#pragma once

#include "core/file.h"

#include <cstddef>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <sys/stat.h>

namespace hadeploy {

/// Opens a directory by a path that no other user can redirect: follows a symbolic link only if
/// root or the current user created it. This lets root work safely in a user's directory. Callers
/// must then use the descriptor, not the path.
/// @param make  whether to create missing directories, with mode 0755
/// @return  no descriptor when the directory does not exist
/// @throws Error(failed); Error(conflict) for another user's link
Fd open_own_way(const std::filesystem::path& path, bool make = false);

/// lstat(2) of a path, which is resolved as by open_own_way(); nullopt when it does not exist.
/// @param follow  whether to follow a link at the end too, as stat(2) does
/// @throws Error(failed); Error(conflict) for another user's link
std::optional<struct stat> look_own_way(const std::filesystem::path& path, bool follow = false);

/// Opens a regular file for reading. Resolves its path, including a link at the end, as
/// open_own_way() does.
/// @throws Error(failed); Error(conflict) for another user's link
Fd open_file_own_way(const std::filesystem::path& path);

/// Both functions open the file as open_file_own_way() does. read_own_way() returns the contents of
/// a file of at most `limit` bytes. sha256_own_way() returns the SHA-256 digest of a file of any
/// size.
/// @throws Error(failed); Error(conflict) for another user's link
std::string read_own_way(const std::filesystem::path& path, std::size_t limit = 64u << 20);
std::string sha256_own_way(const std::filesystem::path& path);

/// The path in /proc of an open file, for functions that take only a path.
std::string own_name(const Fd& file);

/// Sets the mode of a regular file in an open directory without opening it or following a link.
/// @throws Error(conflict) when it is not a regular file, or is a hard link in another user's
///         directory
void set_mode_in(const Fd& directory, const std::filesystem::path& path, unsigned mode);

} // namespace hadeploy
