#pragma once

#include "core/value.h"

#include <string>
#include <string_view>
#include <vector>

namespace hadeploy {

/// The names in a text that is nothing but names with dots between them, and keys in brackets:
/// `var.hosts[0].name`; none of any other text.
std::vector<std::string> names_in_reference(std::string_view text);

/// What to do where a text is no value of its type, and would be a reference within ${}; "" of any
/// other value.
std::string bare_reference_hint(const Value& value);

} // namespace hadeploy
