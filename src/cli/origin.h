#pragma once

#include "core/value.h"

#include <filesystem>

namespace hadeploy::cli {

/// Who started this run, where, and from which commit, for the history. A map with the strings
/// `user` and `host`. In a job of GitHub Actions or GitLab CI, it also has `ci` (`system`, `job`,
/// `url`, `user`). In a work tree of git, it also has `commit` (`id`, and whether tracked files of
/// the directory are `changed`). Unknown values are omitted.
/// @param directory  of the spec
Value run_origin(const std::filesystem::path& directory);

} // namespace hadeploy::cli
