#pragma once

#include "providers/local/local_type.h"

#include <string>
#include <sys/stat.h>

namespace hadeploy::local {

/// The attribute `path` of a file system object, and the claim on that path.
Attribute path_attribute(std::string_view what);
std::vector<std::string> path_claim(const Value& config);

/// The error if an object of a different kind occupies the path.
Observation in_the_way(const std::string& path, std::string_view wanted);

/// The permissions as in the attribute `mode`, "0644", and the value of that attribute.
std::string mode_text(const struct stat& info);
unsigned mode_of(const Value& config);

} // namespace hadeploy::local
