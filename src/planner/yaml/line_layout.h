#pragma once

#include "core/error.h"

#include <string>
#include <string_view>

namespace hadeploy {

/// A YAML text as it is usually laid out: two spaces a level, lists below their key, one space
/// after
/// `:` and `-`, no blanks at the ends of lines, no two empty lines in a row, one line end at the
/// end. Comments, order, quotes, block scalars and what stands in `{}` and `[]` stay as they are.
/// Laid out again it is the same. The text is taken to be YAML that read_yaml() reads.
std::string laid_out(std::string_view text);

/// Whether two YAML texts mean the same, and differ in nothing but blanks.
bool same_meaning(const std::string& before, const std::string& after);

} // namespace hadeploy
