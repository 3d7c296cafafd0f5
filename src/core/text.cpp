#include "core/text.h"

#include <fmt/format.h>

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

std::string in_quotes(std::string_view text, std::size_t max) {
    std::string out = "\"";
    for (std::size_t shown = 0; !text.empty(); ++shown) {
        if (shown == max) return out + "...\"";
        const CodePoint c = first_code_point(text);
        text.remove_prefix(c.size);
        switch (c.code) {
        case '"': out += "\\\""; break;
        case '\\': out += "\\\\"; break;
        case '\n': out += "\\n"; break;
        case '\r': out += "\\r"; break;
        case '\t': out += "\\t"; break;
        default:
            if (c.code >= 0x20 && c.code < 0x7F)
                out += static_cast<char>(c.code);
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

} // namespace hadeploy
