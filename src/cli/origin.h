#pragma once

#include "core/value.h"

#include <filesystem>

namespace hadeploy::cli {

/// Whether a git repository would take the file, which need not exist: the directory is in a work
/// tree, and no .gitignore excludes the file. False if git is not installed or does not respond.
/// @param file  relative to the directory
bool taken_by_git(const std::filesystem::path& directory, const std::filesystem::path& file);

/// Who started this run, where, and from which commit, for the history. A map with the strings
/// `user` and `host`. In a job of GitHub Actions or GitLab CI, it also has `ci` (`system`, `job`,
/// `url`, `user`). In a work tree of git, it also has `commit` (`id`, and whether tracked files of
/// the directory are `changed`). Unknown values are omitted.
/// @param directory  of the spec
Value run_origin(const std::filesystem::path& directory);

} // namespace hadeploy::cli
