#pragma once

#include <string>
#include <string_view>

namespace hadeploy {

/// A text in UTF-8 as bytes of another encoding, such as "ISO-8859-1" or "UTF-16LE".
/// @throws Error(failed): unknown encoding, or it has no form for one of the characters
std::string to_charset(std::string_view text, const std::string& encoding);

/// The way back.
/// @throws Error(failed): unknown encoding, or the bytes are none of its texts
std::string from_charset(std::string_view bytes, const std::string& encoding);

} // namespace hadeploy
