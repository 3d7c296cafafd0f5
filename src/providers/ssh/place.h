#pragma once

#include "providers/ssh/ssh_type.h"

#include <string>
#include <string_view>

namespace hadeploy::ssh {

// What root does at a path of a host goes through here, as a user may own some directory on the
// way to it: no link that a user may have put there is followed, and no name is trusted twice.

/// Shell functions, defined before all sections of an exec (see place.cpp).
std::string_view place_functions();

/// Of an absolute path: its directory and the name in it.
std::string directory_of(std::string_view path);
std::string name_of(std::string_view path);

/// Script lines that enter the directory of `path`, and leave the script with status 0 and the line
/// "absent" when there is none. For probes.
std::string look_into(std::string_view directory);
/// Replaces the file at `path` by the script's standard input, as a whole.
/// @param owner  "USER:GROUP"
/// @param sha256  "" where the input cannot be cut off on its way
std::string put_file(std::string_view path, std::string_view identity, std::string_view owner,
                     std::string_view mode, std::string_view sha256 = {});
/// Sets owner and mode of a file that is there.
/// @param sha256  of the content that the plan has seen, "" when that is not known
std::string own_file(std::string_view path, std::string_view identity, std::string_view owner,
                     std::string_view mode, std::string_view sha256);
/// Removes the file, and what a killed put_file has left.
std::string remove_file(std::string_view path, std::string_view identity);
/// Makes the directory where it is missing, its parents too (root's, 0755), and sets its owner
/// ("USER:GROUP") and mode.
std::string make_directory(std::string_view path, std::string_view owner, std::string_view mode);
/// Removes the directory where it is there: an empty one, or with `tree` all that is in it on its
/// file system.
std::string remove_directory(std::string_view path, bool tree);

} // namespace hadeploy::ssh
