#pragma once

#include "core/value.h"

#include <string_view>

namespace hadeploy {

/// Reads JSON that others wrote, in which nothing is a mark.
/// @throws Error(spec) that says what is wrong with it: also a key that is there twice, an integer
///         that is too large. What may be a part of the text is in its hint.
Value from_foreign_json(std::string_view text);

} // namespace hadeploy
