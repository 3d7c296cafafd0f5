#pragma once

#include "core/value.h"

#include <string>
#include <string_view>

namespace hadeploy {

/// JSON with sorted keys, for the state and for hashing. Writes secrets as {"$secret": v} and
/// unknown values as {"$unknown": true}; from_json() reverses both.
/// @throws Error(state) when the text is not valid JSON
std::string to_json(const Value& value);
Value from_json(std::string_view text);
/// JSON for people and other programs: shows secrets and unknown values as display() does.
std::string to_public_json(const Value& value);
/// JSON that includes the contents of secrets. It is for functions of the spec, whose results
/// inherit the marks of their arguments, and for the input of scripts and requests. It must not be
/// used for output or the state.
std::string to_open_json(const Value& value);

/// Parses JSON of external origin, in which `$secret` and the other marks have no meaning.
/// @throws Error(spec) when the text is invalid, an object repeats a key or an integer does not fit
///         in 64 bits. Parts of the text occur only in the hint, never in the message.
Value from_foreign_json(std::string_view text);

} // namespace hadeploy
