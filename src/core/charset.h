#pragma once

#include <string>
#include <string_view>

namespace hadeploy {

/// Converts UTF-8 text to a different encoding, for example "ISO-8859-1" or "UTF-16LE".
/// @throws Error(failed) for an unknown encoding or a character that it cannot represent
std::string to_charset(std::string_view text, const std::string& encoding);

/// Converts bytes in a different encoding to UTF-8.
/// @throws Error(failed) for an unknown encoding or bytes that are not valid in it
std::string from_charset(std::string_view bytes, const std::string& encoding);

} // namespace hadeploy
