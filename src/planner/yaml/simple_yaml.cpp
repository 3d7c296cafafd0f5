#include "planner/yaml/simple_yaml.h"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cmath>
#include <fmt/format.h>

namespace hadeploy {

namespace {

constexpr std::size_t kLongestLine = 60'000; ///< the limit of Loc::column
constexpr std::size_t kLongestKey = 63;
constexpr std::size_t kDeepest = 32; ///< below the limit of the parser

bool is_letter(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}
bool is_digit(char c) {
    return c >= '0' && c <= '9';
}
bool is_null(std::string_view word) {
    return word == "null" || word == "Null" || word == "NULL";
}

/// A line with content: `key:`, or `key: value`.
struct Line {
    std::size_t indent = 0;
    std::string_view key;
    std::string_view value; ///< without its quotes
    std::size_t column = 0; ///< of the value's first character, from 1; 0: there is no value
    bool quoted = false;
};

bool take_value(std::string_view text, std::size_t at, Line& line) {
    const char first = text.front();
    line.quoted = first == '"' || first == '\'';
    if (line.quoted) {
        if (text.size() < 2 || text.back() != first) return false;
        line.value = text.substr(1, text.size() - 2);
        line.column = at + 2;
        return line.value.find_first_of(first == '"' ? "\"\\" : "'") == text.npos;
    }
    line.value = text;
    line.column = at + 1;
    const bool starts_well = is_letter(first) || is_digit(first) || first == '/' || first == '$';
    return starts_well && text.back() != ' ' && text.find_first_of(":#") == text.npos &&
           !is_null(text);
}

/// Returns false for any other line.
bool take_line(std::string_view text, Line& line) {
    line = {};
    line.indent = text.find_first_not_of(' ');
    std::size_t at = line.indent;
    if (text.size() > kLongestLine || !is_letter(text[at])) return false;
    const auto in_key = [](char c) { return is_letter(c) || is_digit(c) || c == '-'; };
    while (at < text.size() && in_key(text[at])) ++at;
    line.key = text.substr(line.indent, at - line.indent);
    if (at == text.size() || text[at] != ':') return false;
    if (line.key.size() > kLongestKey || is_null(line.key)) return false;
    if (++at == text.size()) return true;
    const std::size_t value = text.find_first_not_of(' ', at);
    if (value == text.npos || value == at) return false;
    const auto printable = [](char c) { return c >= ' ' && c <= '~'; };
    return std::all_of(text.begin(), text.end(), printable) &&
           take_value(text.substr(value), value, line);
}

class Reader {
  public:
    Reader(std::uint16_t file, const YamlPiece& piece, Diagnostics& diagnostics)
        : file_(file), rest_(piece.text), number_(piece.line), diagnostics_(diagnostics) {}

    std::optional<Value> read() {
        advance();
        if (end_) return std::nullopt;
        Value root = map(0);
        return good_ && end_ ? std::optional(std::move(root)) : std::nullopt;
    }

  private:
    /// Advances to the next line with content.
    void advance() {
        while (!rest_.empty()) {
            const std::size_t newline = rest_.find('\n');
            const std::string_view text = rest_.substr(0, newline);
            rest_ = newline == rest_.npos ? std::string_view() : rest_.substr(newline + 1);
            ++number_;
            const std::size_t first = text.find_first_not_of(' ');
            if (first == text.npos || text[first] == '#') continue;
            good_ = good_ && take_line(text, line_);
            return;
        }
        end_ = true;
    }

    [[nodiscard]] bool on_line(std::size_t indent) const {
        return good_ && !end_ && line_.indent == indent;
    }
    [[nodiscard]] bool below(std::size_t indent) const { return !end_ && line_.indent > indent; }

    /// Reads the entries from this line on that have the same indentation.
    Value map(std::size_t depth) {
        const std::size_t indent = line_.indent;
        const Loc first = place(indent + 1);
        Value::Map entries;
        while (on_line(indent)) {
            Entry entry{std::string(line_.key), {}, place(indent + 1)};
            if (line_.column != 0) {
                entry.value = scalar();
                advance();
                good_ = good_ && !below(indent); // otherwise the value would continue below
            } else {
                advance();
                good_ = good_ && below(indent) && depth < kDeepest; // otherwise there is no value
                if (good_) entry.value = map(depth + 1);
            }
            entries.push_back(std::move(entry));
        }
        good_ = good_ && !below(indent);
        const std::size_t count = entries.size();
        Value all = Value::map(std::move(entries));
        good_ = good_ && all.as_map().size() == count; // no duplicate keys
        return all.at(first);
    }

    Value scalar() {
        const Loc loc = place(line_.column);
        const std::string text(line_.value);
        return line_.quoted ? Value(text).at(loc) : plain_scalar(text, loc, diagnostics_);
    }

    [[nodiscard]] Loc place(std::size_t column) const {
        return {number_, static_cast<std::uint16_t>(column), file_};
    }

    std::uint16_t file_;
    std::string_view rest_;
    std::uint32_t number_; ///< number of this line, starting at 1
    Diagnostics& diagnostics_;
    Line line_;
    bool end_ = false;
    bool good_ = true; ///< whether everything so far was simple
};

} // namespace

std::optional<Value> read_simple_yaml(std::uint16_t file, const YamlPiece& piece,
                                      Diagnostics& diagnostics) {
    return Reader(file, piece, diagnostics).read();
}

Value plain_scalar(const std::string& text, Loc loc, Diagnostics& diagnostics) {
    if (text.empty() || text == "~" || text == "null" || text == "Null" || text == "NULL")
        return Value().at(loc);
    if (text == "true" || text == "True" || text == "TRUE") return Value(true).at(loc);
    if (text == "false" || text == "False" || text == "FALSE") return Value(false).at(loc);

    const char* first = text.data();
    const char* last = first + text.size();
    const char* digits = *first == '+' ? first + 1 : first;
    const char* lead = *first == '-' || *first == '+' ? first + 1 : first;
    const bool numeric = lead != last && (std::isdigit(static_cast<unsigned char>(*lead)) ||
                                          (*lead == '.' && lead + 1 != last));
    if (!numeric) {
        if (std::string_view(lead, last) == ".inf" || text == ".nan" || text == ".NaN")
            diagnostics.add(fmt::format("\"{}\" is not a number that can be used here", text), loc);
        return Value(text).at(loc);
    }
    int base = 10;
    if (text.starts_with("0x"))
        base = 16, digits += 2;
    else if (text.starts_with("0o"))
        base = 8, digits += 2;
    if (base != 10 && (digits == last || *digits == '-')) return Value(text).at(loc);
    std::int64_t integer = 0;
    auto [end, error] = std::from_chars(digits, last, integer, base);
    if (end == last) {
        if (error == std::errc()) return Value(integer).at(loc);
        diagnostics.add("this number does not fit in a 64-bit integer", loc).hint =
            "put it in quotes if it is text";
        return Value().at(loc);
    }
    double number = 0;
    auto [fend, ferror] = std::from_chars(digits, last, number);
    if (fend == last && ferror == std::errc() && std::isfinite(number))
        return Value(number).at(loc);
    return Value(text).at(loc);
}

} // namespace hadeploy
