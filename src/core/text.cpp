#include "core/text.h"

#include <algorithm>
#include <cctype>
#include <cstdint>
#include <fmt/format.h>
#include <initializer_list>
#include <utility>

namespace hadeploy {

CodePoint first_code_point(std::string_view text) {
    const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
    const unsigned char lead = byte(0);
    const CodePoint broken{lead, 1, false};
    if (lead < 0x80) return {lead, 1, true};
    const std::size_t size = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
    if (lead < 0xC2 || lead > 0xF4 || text.size() < size) return broken;
    char32_t code = lead & (0xFFu >> (size + 1));
    for (std::size_t i = 1; i < size; ++i) {
        if ((byte(i) & 0xC0) != 0x80) return broken;
        code = (code << 6) | (byte(i) & 0x3Fu);
    }
    const char32_t least = size == 4 ? 0x10000 : size == 3 ? 0x800 : 0x80;
    const bool surrogate = code >= 0xD800 && code <= 0xDFFF;
    if (code < least || code > 0x10FFFF || surrogate) return broken;
    return {code, size, true};
}

std::size_t count_characters(std::string_view text) {
    std::size_t count = 0;
    for (; !text.empty(); ++count) text.remove_prefix(first_code_point(text).size);
    return count;
}

bool is_utf8(std::string_view text) {
    while (!text.empty()) {
        const CodePoint c = first_code_point(text);
        if (!c.valid) return false;
        text.remove_prefix(c.size);
    }
    return true;
}

namespace {
bool is_within(char32_t code, std::initializer_list<std::pair<char32_t, char32_t>> ranges) {
    return std::any_of(ranges.begin(), ranges.end(), [&](const auto& range) {
        return code >= range.first && code <= range.second;
    });
}

/// Whitespace, combining marks, and characters without glyphs.
bool is_unclear(char32_t code) {
    return is_within(code, {{0xA0, 0xA0},
                            {0x300, 0x36F},
                            {0x115F, 0x1160},
                            {0x1680, 0x1680},
                            {0x1AB0, 0x1AFF},
                            {0x1DC0, 0x1DFF},
                            {0x2000, 0x200A},
                            {0x202F, 0x202F},
                            {0x205F, 0x205F},
                            {0x20D0, 0x20FF},
                            {0x3000, 0x3000},
                            {0x3164, 0x3164},
                            {0xE000, 0xF8FF},
                            {0xFE00, 0xFE0F},
                            {0xFE20, 0xFE2F},
                            {0xFFA0, 0xFFA0},
                            {0xFFF0, 0xFFFF},
                            {0xE0000, 0x10FFFF}});
}

/// Greek, Cyrillic, Armenian, Cherokee, and Latin letters in other shapes.
bool may_look_latin(char32_t code) {
    return is_within(code, {{0x370, 0x58F},
                            {0x13A0, 0x13FF},
                            {0x1C80, 0x1C8F},
                            {0x1F00, 0x1FFF},
                            {0x2100, 0x214F},
                            {0x2C60, 0x2C7F},
                            {0x2DE0, 0x2DFF},
                            {0xA640, 0xA69F},
                            {0xFF00, 0xFF5E},
                            {0x1D400, 0x1D7FF}});
}

/// Whether letters that look like Latin letters could be mistaken for them: they can if they are
/// beside Latin letters or digits, or alone.
bool is_ambiguous(std::string_view text) {
    return std::any_of(text.begin(), text.end(),
                       [](unsigned char c) { return c < 0x80 && std::isalnum(c) != 0; }) ||
           count_characters(text) < 2;
}
} // namespace

std::string lower_case(std::string_view text) {
    std::string out(text);
    for (char& c : out) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    return out;
}

std::string in_quotes(std::string_view text, std::size_t max) {
    const bool ambiguous = is_ambiguous(text);
    std::string out = "\"";
    for (std::size_t shown = 0; !text.empty(); ++shown) {
        if (shown == max) return out + "...\"";
        const CodePoint c = first_code_point(text);
        const std::string_view written = text.substr(0, c.size);
        text.remove_prefix(c.size);
        const bool seen = c.valid && !is_invisible(c) && !is_unclear(c.code) &&
                          !(ambiguous && may_look_latin(c.code));
        switch (c.code) {
        case '"': out += "\\\""; break;
        case '\\': out += "\\\\"; break;
        case '\n': out += "\\n"; break;
        case '\r': out += "\\r"; break;
        case '\t': out += "\\t"; break;
        default:
            if (seen)
                out += written;
            else if (!c.valid || c.code < 0x80)
                out += fmt::format("\\x{:02X}", +c.code);
            else
                out += fmt::format("\\u{{{:04X}}}", static_cast<std::uint32_t>(c.code));
        }
    }
    return out + '"';
}

bool is_invisible(const CodePoint& c) {
    const auto within = [&](char32_t first, char32_t last) {
        return c.code >= first && c.code <= last;
    };
    return c.code < 0x20 || within(0x7F, 0x9F) || c.code == 0xAD || c.code == 0x61C ||
           within(0x200B, 0x200F) || within(0x2028, 0x202E) || within(0x2060, 0x206F) ||
           c.code == 0xFEFF;
}

bool is_windows_path(std::string_view text) {
    if (text.starts_with("\\\\")) return true;
    return text.size() > 2 && std::isalpha(static_cast<unsigned char>(text[0])) != 0 &&
           text[1] == ':' && (text[2] == '\\' || text[2] == '/');
}

} // namespace hadeploy
