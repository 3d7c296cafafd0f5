#pragma once

#include "core/file.h"

#include <filesystem>
#include <string_view>

namespace hadeploy {

/// Opens a directory on a way that nobody else can bend: a link on it is followed only where root
/// or the user who runs this has put it. So root can work in a directory of a user. What is done
/// there has to go by the descriptor, not by the path again.
/// @param make  makes what is missing, mode 0755
/// @return  no descriptor when the directory is not there
/// @throws Error(failed), Error(conflict) at a link of somebody else's
Fd open_own_way(const std::filesystem::path& path, bool make = false);

/// As write_file(), in an open directory.
/// @throws Error(failed); the old contents are then still there
void write_file_in(const Fd& directory, const std::filesystem::path& path,
                   std::string_view contents, unsigned mode);

/// Sets the mode of a regular file in an open directory. Never opens it, and follows no link.
/// @throws Error(conflict) when it is something else, or in a directory of another user another
///         name of a file
void set_mode_in(const Fd& directory, const std::filesystem::path& path, unsigned mode);

} // namespace hadeploy
