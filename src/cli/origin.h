#pragma once

#include "core/value.h"

#include <filesystem>

namespace hadeploy::cli {

/// Who started this run and from what, for the history: a map with the strings `user` and `host`;
/// in a job of GitHub Actions or GitLab CI also `ci` (`system`, `job`, `url`, `user`); in a work
/// tree of git also `commit` (`id`, and whether tracked files of the directory are `changed`).
/// Unknown values are omitted.
/// @param directory  of the spec
Value run_origin(const std::filesystem::path& directory);

} // namespace hadeploy::cli
