#pragma once

#include <string>
#include <string_view>

namespace hadeploy {

/// One character of a UTF-8 text. For a byte that is not UTF-8, `valid` is false, `code` is the
/// byte and `size` is 1.
struct CodePoint {
    char32_t code = 0;
    std::size_t size = 0;
    bool valid = true;
};

/// The first character of a text, which must not be empty.
CodePoint first_code_point(std::string_view text);

/// The number of characters; counts each byte that is not UTF-8 as one.
std::size_t count_characters(std::string_view text);

/// Whether the whole text is valid UTF-8.
bool is_utf8(std::string_view text);

/// The text with the letters A to Z in lower case.
std::string lower_case(std::string_view text);

/// Quotes text of external origin for a message. Escapes characters that a terminal interprets or
/// that could be misread, as in `"a\n"` and `"\u{202E}"`: control characters, whitespace other than
/// a space, combining accents, and (beside ASCII letters or digits) letters of scripts that
/// resemble Latin, such as Greek and Cyrillic. Truncates with "..." after `max` characters.
std::string in_quotes(std::string_view text, std::size_t max = 80);

/// Whether the text is an absolute Windows path: C:\x, C:/x or \\host\x.
bool is_windows_path(std::string_view text);

/// Whether a terminal interprets the character instead of showing it: control characters, direction
/// marks and zero-width characters.
bool is_invisible(const CodePoint& c);

} // namespace hadeploy
