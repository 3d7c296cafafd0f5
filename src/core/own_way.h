#pragma once

#include "core/file.h"

#include <cstddef>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <sys/stat.h>

namespace hadeploy {

/// Opens a directory on a way that nobody else can bend: a link on it is followed only where root
/// or the user who runs this has put it. So root can work in a directory of a user. What is done
/// there has to go by the descriptor, not by the path again.
/// @param make  makes what is missing, mode 0755
/// @return  no descriptor when the directory is not there
/// @throws Error(failed), Error(conflict) at a link of somebody else's
Fd open_own_way(const std::filesystem::path& path, bool make = false);

/// What lstat(2) says of a path on such a way; nothing when there is nothing.
/// @param follow  a link at the end too: what stat(2) says
/// @throws Error(failed), Error(conflict) at a link of somebody else's on the way
std::optional<struct stat> look_own_way(const std::filesystem::path& path, bool follow = false);

/// Opens a regular file for reading on such a way. A link at its end is followed where root or the
/// user who runs this has put it.
/// @throws Error(failed), Error(conflict) at a link of somebody else's
Fd open_file_own_way(const std::filesystem::path& path);

/// The whole of a regular file on such a way that is not larger than `limit` bytes, and its
/// SHA-256.
/// @throws Error(failed), Error(conflict) at a link of somebody else's
std::string read_own_way(const std::filesystem::path& path, std::size_t limit = 64u << 20);
std::string sha256_own_way(const std::filesystem::path& path);

/// The kernel's name for what is open, for what takes only a name.
std::string own_name(const Fd& file);

/// As write_file(), in an open directory.
/// @throws Error(failed); the old contents are then still there
void write_file_in(const Fd& directory, const std::filesystem::path& path,
                   std::string_view contents, unsigned mode);

/// Sets the mode of a regular file in an open directory. Never opens it, and follows no link.
/// @throws Error(conflict) when it is something else, or in a directory of another user another
///         name of a file
void set_mode_in(const Fd& directory, const std::filesystem::path& path, unsigned mode);

} // namespace hadeploy
