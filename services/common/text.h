#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace hadeploy::svc {

/// UTC time with milliseconds, e.g. `2026-03-01T09:15:02.041Z`.
std::string now_iso();

/// 128 random bits as 32 lower-case hex digits.
std::string random_id();

/// Escapes `& < > " '`, so that the result is safe in HTML text and in quoted attributes.
std::string html_escape(std::string_view text);

/// Decodes `%41` and, if `plus_is_space`, `+`. nullopt for a malformed escape.
std::optional<std::string> url_decode(std::string_view text, bool plus_is_space);

/// The inverse of url_decode, for one path segment or query value.
std::string url_encode(std::string_view text);

/// The value in double quotes on one line, with `\`, `"` and control characters escaped.
std::string quote(std::string_view text);

/// Parses the whole text as a decimal integer; nullopt if it is not one, or overflows.
std::optional<std::int64_t> parse_integer(std::string_view text);

/// The number of code points of valid UTF-8 without control characters; nullopt for other bytes.
std::optional<std::size_t> printable_length(std::string_view text);

} // namespace hadeploy::svc
