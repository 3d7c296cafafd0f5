#include "planner/yaml/split_yaml.h"

#include <algorithm>

namespace hadeploy {

namespace {

struct LineSpan {
    std::size_t begin = 0, end = 0; ///< offsets; the end of a line is the beginning of the next one
    std::size_t indent = 0;
    bool content = false; ///< whether the line is neither empty nor a comment
};

class Lines {
  public:
    explicit Lines(std::string_view text) : text_(text) {}
    bool next(LineSpan& line) {
        if (at_ >= text_.size()) return false;
        line.begin = at_;
        const std::size_t newline = text_.find('\n', at_);
        line.end = newline == text_.npos ? text_.size() : newline + 1;
        const std::size_t first = std::min(text_.find_first_not_of(' ', at_), line.end);
        line.indent = first - at_;
        line.content =
            first < line.end && text_[first] != '\n' && text_[first] != '\r' && text_[first] != '#';
        at_ = line.end;
        return true;
    }

  private:
    std::string_view text_;
    std::size_t at_ = 0;
};

struct Section {
    std::string key;
    std::size_t begin = 0, end = 0; ///< indentation of its entries
    std::size_t indent = 0;
    std::uint32_t line = 0; ///< lines before its first entry
};

/// The key of a line `key:` or `key: value` in plain style; "" for any other line.
std::string_view plain_key(std::string_view line) {
    line.remove_prefix(std::min(line.find_first_not_of(' '), line.size()));
    const auto plain = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               c == '_' || c == '-';
    };
    const std::size_t colon = line.find(':');
    if (colon == line.npos || line.front() == '-') return {};
    const std::string_view key = line.substr(0, colon);
    const bool ends = colon + 1 == line.size() || line.find_first_of(" \r\n", colon) == colon + 1;
    return ends && std::all_of(key.begin(), key.end(), plain) ? key : std::string_view();
}

/// Whether a line begins an entry whose key ends on the same line: `key:` or `"key":`.
bool begins_entry(std::string_view line) {
    if (!plain_key(line).empty()) return true;
    line.remove_prefix(std::min(line.find_first_not_of(' '), line.size()));
    if (!line.starts_with('"')) return false;
    const std::size_t end = line.find_first_of("\"\\", 1);
    const std::string_view after = end == line.npos ? std::string_view() : line.substr(end);
    return after.starts_with("\":") && (after.size() == 2 || after.find_first_of(" \r\n") == 2);
}

/// The key of a line that contains nothing else; "" for any other line.
std::string section_key(std::string_view line) {
    const std::string_view key = plain_key(line);
    if (key.empty()) return {};
    const std::string_view rest = line.substr(key.size() + 1);
    const std::size_t after = rest.find_first_not_of(" \r\n");
    const bool bare = after == rest.npos || (rest[after] == '#' && after > 0);
    return bare ? std::string(key) : std::string();
}

/// The parser treats a single carriage return as a line break; the code in this file only treats a
/// line feed as one.
bool has_lone_return(std::string_view text) {
    for (std::size_t at = text.find('\r'); at != text.npos; at = text.find('\r', at + 1))
        if (at + 1 == text.size() || text[at + 1] != '\n') return true;
    return false;
}

/// The longest section; nullopt if the text does not look like one block map.
std::optional<Section> longest_section(std::string_view text) {
    Section longest, here;
    std::uint32_t number = 0;
    bool open = false;
    const auto close = [&](std::size_t end) {
        here.end = end;
        if (open && here.end - here.begin > longest.end - longest.begin) longest = here;
        open = false;
    };
    Lines lines(text);
    for (LineSpan line; lines.next(line); ++number) {
        if (!line.content) continue;
        if (line.indent == 0) {
            const std::string_view whole = text.substr(line.begin, line.end - line.begin);
            if (plain_key(whole).empty()) return std::nullopt; // for example not a block map
            close(line.begin);
            const std::string key = section_key(whole);
            here = {key, line.end, line.end, 0, number + 1};
            open = !key.empty();
        } else if (open && (here.indent == 0 || line.indent == here.indent)) {
            here.indent = line.indent;
            // Any other text can continue on the next lines, and its end depends on all of them.
            open = begins_entry(text.substr(line.begin, line.end - line.begin));
        } else if (open && line.indent < here.indent) {
            return std::nullopt;
        }
    }
    close(text.size());
    return longest.indent > 0 ? std::optional(longest) : std::nullopt;
}

} // namespace

std::optional<YamlPieces> cut_yaml(std::string_view text, std::size_t size) {
    const auto section = has_lone_return(text) ? std::nullopt : longest_section(text);
    if (!section || section->end - section->begin < 2 * size) return std::nullopt;
    YamlPieces out;
    out.section = section->key;
    out.indent = section->indent;
    out.head = {text.substr(0, section->begin), 0};
    const std::string_view entries = text.substr(section->begin, section->end - section->begin);
    std::size_t begin = 0;
    std::uint32_t first_line = section->line, number = section->line;
    Lines lines(entries);
    for (LineSpan line; lines.next(line); ++number) {
        const bool entry = line.content && line.indent == section->indent &&
                           !plain_key(entries.substr(line.begin, line.end - line.begin)).empty();
        if (!entry || line.begin - begin < size) continue;
        out.entries.push_back({entries.substr(begin, line.begin - begin), first_line});
        begin = line.begin;
        first_line = number;
    }
    out.entries.push_back({entries.substr(begin), first_line});
    out.tail = {text.substr(section->end), number};
    return out;
}

} // namespace hadeploy
