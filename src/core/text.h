#pragma once

#include <string>
#include <string_view>

namespace hadeploy {

/// One character of a UTF-8 text. Of a byte that is not UTF-8 `valid` is false, `code` its value
/// and `size` 1.
struct CodePoint {
    char32_t code = 0;
    std::size_t size = 0;
    bool valid = true;
};

/// The first character of a text that is not empty.
CodePoint first_code_point(std::string_view text);

/// How many there are; a byte that is not UTF-8 is one.
std::size_t count_characters(std::string_view text);

/// Whether all of it is UTF-8.
bool is_utf8(std::string_view text);

/// Text from outside as it may be put in a message: in double quotes, with all that a terminal acts
/// on or that is not seen for what it is spelled as an escape: `"a\n"`, `"\u{202E}"`. That is
/// control characters, blanks other than a space, accents that are characters of their own, and
/// letters of scripts with letters that look like Latin ones (Greek, Cyrillic) beside ASCII letters
/// or digits. Cut with "..." after `max` characters.
std::string in_quotes(std::string_view text, std::size_t max = 80);

/// Whether a terminal would act on the character instead of showing it: control characters, marks
/// of writing direction, zero width ones.
bool is_invisible(const CodePoint& c);

} // namespace hadeploy
