#pragma once

#include "provider_api/schema.h"

namespace hadeploy {

/// The type that a spec writes: "list(string)", "object({name: string, port: optional(port, 80)})".
/// Written as YAML a map is an object of these fields, a map whose one key is "*" a map of any
/// keys, a list of one type a list of it.
/// @throws Error(spec), at the type's place
Type parse_type(const Value& written);

} // namespace hadeploy
