#pragma once

#include "core/value.h"
#include "provider_api/schema.h"

#include <string>

namespace hadeploy {

/// Paths within the project directory are recorded relative to it. So a copy of a project with its
/// state and files works unchanged, and does not refer to the files of the original. A canonical
/// local_path is absolute, so a recorded relative path can be recognized.
///
///
/// Converts `config` for its record: local paths within `directory`, including those in
/// connections, become relative to it. All other values are unchanged.
Value with_paths_in(const Schema& schema, const Value& config, const std::string& directory);

/// Converts a recorded config back: relative local paths become absolute.
Value with_whole_paths(const Schema& schema, const Value& config, const std::string& directory);

} // namespace hadeploy
