#pragma once

#include "core/error.h"

#include <string>
#include <string_view>

namespace hadeploy {

/// Formats a YAML text in the usual layout: two spaces for each level, lists below their key, one
/// space after `:` and `-`, no trailing whitespace, no consecutive empty lines, one newline at the
/// end. Comments, order, quotes, block scalars and the contents of `{}` and `[]` are unchanged.
/// Formatting a formatted text changes nothing. The text must be valid YAML for read_yaml().
std::string laid_out(std::string_view text);

/// Whether two YAML texts have the same meaning and differ only in whitespace.
bool same_meaning(const std::string& before, const std::string& after);

} // namespace hadeploy
