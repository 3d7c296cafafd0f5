#pragma once

#include "providers/local/local_type.h"

#include <string>
#include <sys/stat.h>

namespace hadeploy::local {

/// The attribute `path` of what is in the file system, and what it claims.
Attribute path_attribute(std::string_view what);
std::vector<std::string> path_claim(const Value& config);

/// That something else has the path.
Observation in_the_way(const std::string& path, std::string_view wanted);

/// "0644", and the way back of the attribute `mode`.
std::string mode_text(const struct stat& info);
unsigned mode_of(const Value& config);

} // namespace hadeploy::local
