#pragma once

#include "provider_api/schema.h"
#include "provider_api/units.h"

#include <string>
#include <string_view>

/// How single values become canonical. Used by schema_normalize.cpp alone.
namespace hadeploy::scalar {

/// The value in its type's canonical form (place and secrecy are the caller's matter). `type` is
/// none of list, set, map, object, connection; `value` is neither null nor unknown. A local_path is
/// checked, not made absolute.
/// @throws Mismatch
Value canonical(TypeKind type, const Value& value);

/// "an integer", "a duration with a unit (such as 30s)", ...: what a message says was expected.
std::string_view noun(TypeKind type);

/// What a message says was there instead: `the string "x"`, `the integer 5`, `a list`.
std::string got(const Value& value);

} // namespace hadeploy::scalar
