#pragma once

#include "core/value.h"

#include <string>
#include <string_view>
#include <vector>

namespace hadeploy {

/// The names in a string that consists only of names separated by dots and keys in brackets, for
/// example `var.hosts[0].name`; empty for any other string.
std::vector<std::string> names_in_reference(std::string_view text);

/// The hint for a string that does not match its type, but would be a valid reference within ${};
/// "" for any other value.
std::string bare_reference_hint(const Value& value);

} // namespace hadeploy
