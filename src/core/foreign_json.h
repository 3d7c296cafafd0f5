#pragma once

#include "core/value.h"

#include <string_view>

namespace hadeploy {

/// Parses JSON of external origin, in which `$secret` and the other marks have no meaning.
/// @throws Error(spec) when the text is invalid, an object repeats a key or an integer does not fit
///         in 64 bits. Parts of the text occur only in the hint, never in the message.
Value from_foreign_json(std::string_view text);

} // namespace hadeploy
