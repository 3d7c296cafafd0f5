#pragma once

#include "core/value.h"
#include "provider_api/schema.h"

#include <string>

namespace hadeploy {

/// Paths within a project's directory are recorded relative to it. So a copy of a project with its
/// state and files works unchanged, and does not refer to the files of the original. A canonical
/// local_path is absolute, so a relative one is recognizable.
///
///
/// Converts `config` for its record: local paths within `directory` (also those of connections)
/// become relative to it. Everything else is unchanged.
Value with_paths_in(const Schema& schema, const Value& config, const std::string& directory);

/// The inverse: converts a recorded config to absolute paths.
Value with_whole_paths(const Schema& schema, const Value& config, const std::string& directory);

} // namespace hadeploy
