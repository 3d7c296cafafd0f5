#pragma once

#include "providers/ssh/ssh_type.h"

#include <string>
#include <string_view>

namespace hadeploy::ssh {

// All access by root to paths on a host uses these functions, because a user may own a directory in
// the path. They do not follow links that a user may have created, and do not resolve a name twice.

/// Shell functions that are defined before all sections of an exec (see scripts/place.sh).
std::string_view place_functions();

/// The parent directory and the last component of an absolute path.
std::string directory_of(std::string_view path);
std::string name_of(std::string_view path);

/// Script lines that enter `directory`. If it does not exist, they print "absent" and end the
/// script with status 0. For probes.
std::string look_into(std::string_view directory);
/// Atomically replaces the file at `path` with the script's standard input.
/// @param owner  "USER:GROUP"
/// @param sha256  hash of the input; "" if the input cannot be truncated in transit
std::string put_file(std::string_view path, std::string_view identity, std::string_view owner,
                     std::string_view mode, std::string_view sha256 = {});
/// Sets owner and mode of an existing file.
/// @param sha256  hash of the content that the plan has read; "" if not known
std::string own_file(std::string_view path, std::string_view identity, std::string_view owner,
                     std::string_view mode, std::string_view sha256);
/// Removes the file, and temporary files of a killed put_file.
std::string remove_file(std::string_view path, std::string_view identity);
/// Creates the directory and its parents if they are missing (the parents with owner root and mode
/// 0755). Sets the owner ("USER:GROUP") and mode of the directory.
std::string make_directory(std::string_view path, std::string_view owner, std::string_view mode);
/// Removes the directory if it exists. Without `tree`, fails if the directory is not empty. With
/// `tree`, also removes its contents, but only on the same file system.
std::string remove_directory(std::string_view path, bool tree);

} // namespace hadeploy::ssh
