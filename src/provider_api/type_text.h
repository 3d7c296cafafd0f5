#pragma once

#include "provider_api/schema.h"

namespace hadeploy {

/// Parses a type of a spec: "list(string)", "object({name: string, port: optional(port, 80)})". In
/// YAML syntax, a map is an object with these fields, a map whose only key is "*" is a map with any
/// keys, and a list of one type is a list of that type.
/// @throws Error(spec) at the type's place
Type parse_type(const Value& written);

} // namespace hadeploy
