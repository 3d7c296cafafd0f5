#include "cli/render/text.h"

#include "core/text.h"

#include <array>
#include <fmt/format.h>

namespace hadeploy::cli {

namespace {
/// Ranges of characters of double width: East Asian scripts and emoji.
constexpr std::array<std::pair<char32_t, char32_t>, 10> kWide{{{0x1100, 0x115F},
                                                               {0x2E80, 0x303E},
                                                               {0x3041, 0xA4CF},
                                                               {0xAC00, 0xD7A3},
                                                               {0xF900, 0xFAFF},
                                                               {0xFE30, 0xFE6F},
                                                               {0xFF00, 0xFF60},
                                                               {0x1F300, 0x1F64F},
                                                               {0x1F900, 0x1F9FF},
                                                               {0x20000, 0x3FFFD}}};

std::size_t width_of(char32_t code) {
    if (code >= 0x300 && code <= 0x36F) return 0; // combining accents
    for (const auto& [first, last] : kWide)
        if (code >= first && code <= last) return 2;
    return 1;
}

std::string escape(const CodePoint& c) {
    switch (c.code) {
    case '\n': return "\\n";
    case '\r': return "\\r";
    case '\t': return "\\t";
    default:
        if (!c.valid || c.code < 0x80) return fmt::format("\\x{:02X}", +c.code);
        return fmt::format("\\u{{{:04X}}}", static_cast<std::uint32_t>(c.code));
    }
}
} // namespace

std::string printable(std::string_view text, bool keep_lines) {
    std::string out;
    out.reserve(text.size());
    while (!text.empty()) {
        const CodePoint c = first_code_point(text);
        const bool kept = keep_lines && c.code == '\n';
        if (c.valid && (kept || !is_invisible(c)))
            out += text.substr(0, c.size);
        else if (keep_lines && c.code == '\t')
            out += "    ";
        else
            out += escape(c);
        text.remove_prefix(c.size);
    }
    return out;
}

std::size_t columns_of(std::string_view text) {
    std::size_t columns = 0;
    while (!text.empty()) {
        const CodePoint c = first_code_point(text);
        columns += width_of(c.code);
        text.remove_prefix(c.size);
    }
    return columns;
}

std::string fit(std::string_view text, std::size_t columns) {
    if (columns_of(text) <= columns) return std::string(text);
    const std::string_view ending = std::string_view("...").substr(0, columns);
    std::size_t left = columns - ending.size();
    std::string out;
    while (!text.empty()) {
        const CodePoint c = first_code_point(text);
        const std::size_t wide = width_of(c.code);
        if (wide > left) break;
        left -= wide;
        out += text.substr(0, c.size);
        text.remove_prefix(c.size);
    }
    return out.append(ending);
}

std::string pad(std::string text, std::size_t columns) {
    const std::size_t have = columns_of(text);
    return have < columns ? text.append(columns - have, ' ') : text;
}

std::vector<std::string> split_lines(std::string_view text) {
    std::vector<std::string> lines;
    while (!text.empty()) {
        const std::size_t end = text.find('\n');
        lines.emplace_back(text.substr(0, end));
        if (end == std::string_view::npos) break;
        text.remove_prefix(end + 1);
    }
    return lines;
}

namespace {
/// Wraps one line and repeats its indentation.
void wrap_line(const std::string& line, std::size_t columns, std::vector<std::string>& out) {
    const std::size_t indent = line.find_first_not_of(' ');
    if (columns == 0 || indent == std::string::npos || columns_of(line) <= columns) {
        out.push_back(line);
        return;
    }
    const std::string margin(indent, ' ');
    std::string current = margin;
    std::string_view rest = std::string_view(line).substr(indent);
    while (!rest.empty()) {
        const std::size_t end = std::min(rest.find(' '), rest.size());
        const std::string_view word = rest.substr(0, end);
        const bool first = current.size() == margin.size();
        if (!first && columns_of(current) + 1 + columns_of(word) > columns) {
            out.push_back(std::move(current));
            current = margin;
        } else if (!first) {
            current += ' ';
        }
        current += word;
        rest.remove_prefix(std::min(end + 1, rest.size()));
    }
    out.push_back(std::move(current));
}
} // namespace

std::vector<std::string> wrap(std::string_view text, std::size_t columns) {
    std::vector<std::string> out;
    for (const std::string& line : split_lines(text)) wrap_line(line, columns, out);
    return out;
}

std::string counted(std::size_t n, std::string_view noun, std::string_view plural) {
    if (n != 1 && !plural.empty()) return fmt::format("{} {}", n, plural);
    return fmt::format("{} {}{}", n, noun, n == 1 ? "" : "s");
}

std::string show_elapsed(std::int64_t milliseconds) {
    const std::int64_t tenths = std::max<std::int64_t>(0, milliseconds) / 100;
    if (tenths < 100) return fmt::format("{}.{}s", tenths / 10, tenths % 10);
    const std::int64_t seconds = tenths / 10;
    if (seconds < 60) return fmt::format("{}s", seconds);
    if (seconds < 3600) return fmt::format("{}m{:02}s", seconds / 60, seconds % 60);
    return fmt::format("{}h{:02}m", seconds / 3600, seconds / 60 % 60);
}

} // namespace hadeploy::cli
