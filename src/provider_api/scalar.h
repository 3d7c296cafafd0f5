#pragma once

#include "provider_api/schema.h"
#include "provider_api/units.h"

#include <string>
#include <string_view>

/// Conversion of single values to canonical form, for normalize.cpp.
namespace hadeploy::scalar {

/// The value in its type's canonical form, without its location and secrecy. `type` must not be
/// list, set, map, object or connection; `value` must be neither null nor unknown. Checks a
/// local_path without making it absolute.
/// @throws Mismatch
Value canonical(TypeKind type, const Value& value);

/// The expected value in a message: "an integer", "a duration such as "30s"", ...
std::string_view noun(TypeKind type);

/// The actual value in a message: `the string "x"`, `the integer 5`, `a list`.
std::string got(const Value& value);

} // namespace hadeploy::scalar
