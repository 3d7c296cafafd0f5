#include "planner/yaml/line_layout.h"

#include "planner/yaml/yaml.h"

#include <algorithm>
#include <cctype>
#include <optional>
#include <vector>

namespace hadeploy {

namespace {

constexpr std::size_t kStep = 2; ///< columns for each level

std::string_view trimmed_end(std::string_view s) {
    const auto last = s.find_last_not_of(" \t");
    return s.substr(0, last == s.npos ? 0 : last + 1);
}
std::size_t indent_of(std::string_view line) {
    return std::min(line.find_first_not_of(' '), line.size());
}
bool is_blank(std::string_view line) {
    return line.find_first_not_of(" \t") == line.npos;
}
bool is_item(std::string_view s) {
    return s == "-" || s.starts_with("- ");
}
bool ends_token(std::string_view s, std::size_t at) {
    return at >= s.size() || s[at] == ' ' || s[at] == '\t';
}

/// The offset after the closing quote of the text at `from`; npos if the line ends first.
std::size_t after_quote(std::string_view s, std::size_t from, char quote) {
    for (std::size_t i = from; i < s.size(); ++i) {
        if (quote == '"' && s[i] == '\\') {
            ++i;
        } else if (s[i] == quote) {
            const bool doubled = quote == '\'' && i + 1 < s.size() && s[i + 1] == '\'';
            if (!doubled) return i + 1;
            ++i;
        }
    }
    return s.npos;
}

/// The offset of the colon in `key: value`; npos if the text is not such an entry.
std::size_t colon_of(std::string_view s) {
    if (s.empty() || s[0] == '[' || s[0] == '{' || s[0] == '#' || s[0] == '|' || s[0] == '>')
        return s.npos;
    if (s[0] == '"' || s[0] == '\'') {
        const std::size_t after = after_quote(s, 1, s[0]);
        if (after == s.npos) return s.npos;
        const std::size_t colon = s.find_first_not_of(" \t", after);
        return colon != s.npos && s[colon] == ':' && ends_token(s, colon + 1) ? colon : s.npos;
    }
    for (std::size_t i = 0; i < s.size(); ++i) {
        if (s[i] == ':' && ends_token(s, i + 1)) return i;
        if (s[i] == '#' && i > 0 && (s[i - 1] == ' ' || s[i - 1] == '\t')) return s.npos;
    }
    return s.npos;
}

/// The parts of a value that continue on the following lines.
struct Open {
    std::size_t depth = 0; ///< number of open brackets
    char quote = 0;

    [[nodiscard]] bool any() const { return depth > 0 || quote != 0; }
    /// Scans a line that begins within the value.
    void scan(std::string_view s) {
        for (std::size_t i = 0; i < s.size() && any();) {
            if (quote != 0) {
                i = after_quote(s, i, quote);
                if (i == s.npos) return;
                quote = 0;
                continue;
            }
            const bool starts = i == 0 || std::string_view(" \t[{,:").find(s[i - 1]) != s.npos;
            if (s[i] == '#' && starts) return;
            if ((s[i] == '"' || s[i] == '\'') && starts)
                quote = s[i];
            else if (s[i] == '[' || s[i] == '{')
                ++depth;
            else if (s[i] == ']' || s[i] == '}')
                --depth;
            ++i;
        }
    }
};

class Layout {
  public:
    std::string run(std::string_view text) {
        while (!text.empty()) {
            const std::size_t end = std::min(text.find('\n'), text.size());
            std::string_view line = text.substr(0, end);
            if (line.ends_with('\r')) line.remove_suffix(1);
            take(line);
            text.remove_prefix(std::min(end + 1, text.size()));
        }
        if (block_ && block_->keeps)
            for (const std::string_view blank : held_) put_shifted(blank, block_->shift, true);
        while (!asides_.empty() && asides_.back().text.empty()) asides_.pop_back();
        flush_asides(0, std::nullopt, levels_);
        return std::move(out_);
    }

  private:
    /// A level: lines that begin in the same column belong to one map or list.
    struct Level {
        std::size_t from, to; ///< the column before and after formatting
        bool list;
    };
    /// An empty line or a comment, whose indentation depends on the next line.
    struct Aside {
        std::size_t indent;
        std::string_view text;
    };
    struct Block {
        std::size_t owner; ///< the lines of the scalar are indented deeper than this column
        long shift;
        bool keeps; ///< whether the empty lines at its end are significant
    };

    void take(std::string_view line) {
        if (block_ && in_block(line)) return;
        if (open_.any()) {
            put_shifted(line, shift_, open_.quote != 0);
            open_.scan(line.substr(indent_of(line)));
            return;
        }
        line = trimmed_end(line);
        if (is_blank(line) || line[indent_of(line)] == '#') {
            asides_.push_back({indent_of(line), line.substr(indent_of(line))});
            return;
        }
        const std::size_t indent = indent_of(line);
        if (plain_ && indent > *plain_) {              // the line continues a scalar
            out_ += std::string(asides_.size(), '\n'); // these empty lines are significant
            asides_.clear();
            put_shifted(line, shift_, false);
            return;
        }
        plain_.reset();
        if (indent == 0 && (line.starts_with("---") || line.starts_with("..."))) {
            levels_.clear();
            flush_asides(0, 0, {});
            out_ += std::string(line) + "\n";
            return;
        }
        place(line, indent);
    }

    bool in_block(std::string_view line) {
        if (is_blank(line)) {
            held_.push_back(line);
            return true;
        }
        const bool inside = indent_of(line) > block_->owner;
        for (const std::string_view blank : held_) {
            if (inside || block_->keeps)
                put_shifted(blank, block_->shift, true);
            else
                asides_.push_back({0, {}});
        }
        held_.clear();
        if (inside)
            put_shifted(line, block_->shift, true);
        else
            block_.reset();
        return inside;
    }

    /// Assigns a line of structure to its level.
    void place(std::string_view line, std::size_t indent) {
        const std::vector<Level> before = levels_;
        const std::string_view rest = line.substr(indent);
        while (!levels_.empty() &&
               (levels_.back().from > indent ||
                (levels_.back().from == indent && levels_.back().list && !is_item(rest))))
            levels_.pop_back();
        const bool deeper = levels_.empty() || levels_.back().from < indent ||
                            (!levels_.back().list && is_item(rest));
        if (deeper)
            levels_.push_back(
                {indent, levels_.empty() ? 0 : levels_.back().to + kStep, is_item(rest)});
        flush_asides(indent, levels_.back().to, before);
        out_ += std::string(levels_.back().to, ' ');
        put_items(rest, indent);
        out_ += "\n";
    }

    /// `- - key: value`: each dash opens a level, and so does the key.
    void put_items(std::string_view rest, std::size_t column) {
        while (is_item(rest)) {
            const std::size_t next = std::min(rest.find_first_not_of(" \t", 1), rest.size());
            out_ += "-";
            const std::string_view gap = rest.substr(1, next - 1);
            rest.remove_prefix(next);
            if (rest.empty()) return;
            if (rest[0] == '#') {
                out_ += std::string(gap) + std::string(rest);
                return;
            }
            out_ += " ";
            column += next;
            if (is_item(rest) || colon_of(rest) != rest.npos)
                levels_.push_back({column, levels_.back().to + kStep, is_item(rest)});
        }
        put_entry(rest);
    }

    void put_entry(std::string_view rest) {
        const std::size_t colon = colon_of(rest);
        if (colon == rest.npos) return put_value(rest);
        out_ += std::string(trimmed_end(rest.substr(0, colon))) + ":";
        const std::size_t next = std::min(rest.find_first_not_of(" \t", colon + 1), rest.size());
        const std::string_view gap = rest.substr(colon + 1, next - colon - 1);
        rest.remove_prefix(next);
        if (rest.empty()) return;
        out_ += rest[0] == '#' ? std::string(gap) : " ";
        if (rest[0] == '#')
            out_ += rest;
        else
            put_value(rest);
    }

    /// Writes a value unchanged, and records whether it continues below.
    void put_value(std::string_view value) {
        out_ += value;
        const Level& level = levels_.back();
        shift_ = static_cast<long>(level.to) - static_cast<long>(level.from);
        std::string_view v = value;
        while (!v.empty() && (v[0] == '&' || v[0] == '!')) { // an anchor, a tag
            const std::size_t end = std::min(v.find_first_of(" \t"), v.size());
            v.remove_prefix(std::min(v.find_first_not_of(" \t", end), v.size()));
        }
        if (v.empty() || v[0] == '#') return;
        if (v[0] == '|' || v[0] == '>') {
            const std::string_view how = v.substr(0, v.find_first_of(" \t"));
            block_ = Block{level.from, shift_, how.find('+') != how.npos};
        } else if (v[0] == '"' || v[0] == '\'') {
            open_.quote = v[0];
            open_.scan(v.substr(1));
        } else if (v[0] == '[' || v[0] == '{') {
            open_.depth = 1;
            open_.scan(v.substr(1));
        } else {
            plain_ = level.from;
        }
    }

    /// @param exact  whether to keep trailing whitespace, which can be significant
    void put_shifted(std::string_view line, long shift, bool exact) {
        if (!exact) line = trimmed_end(line);
        const std::size_t indent = indent_of(line);
        const long now = std::max(0L, static_cast<long>(indent) + shift);
        if (shift != 0 && !line.empty()) out_ += std::string(static_cast<std::size_t>(now), ' ');
        out_ += shift != 0 ? line.substr(indent) : line;
        out_ += "\n";
    }

    /// @param to  column of the next line, whose indentation is `indent`; none: that line has no
    ///         level
    void flush_asides(std::size_t indent, std::optional<std::size_t> to,
                      const std::vector<Level>& levels) {
        for (const Aside& a : asides_) put_aside(a, levels, a.indent == indent ? to : std::nullopt);
        asides_.clear();
    }

    void put_aside(const Aside& a, const std::vector<Level>& levels,
                   std::optional<std::size_t> to) {
        if (a.text.empty()) {
            if (!out_.empty() && !out_.ends_with("\n\n")) out_ += "\n";
            return;
        }
        std::size_t column = to.value_or(a.indent);
        if (!to)
            for (const Level& level : levels)
                if (level.from <= a.indent) column = level.to + (a.indent - level.from);
        out_ += std::string(column, ' ') + std::string(a.text) + "\n";
    }

    std::string out_;
    std::vector<Level> levels_;
    std::vector<Aside> asides_;
    std::optional<Block> block_;
    std::vector<std::string_view> held_; ///< empty lines of a block that may be at its end
    Open open_;
    std::optional<std::size_t> plain_; ///< a plain scalar can continue to the right of this column
    long shift_ = 0;
};

std::string without_blanks(const std::string& text) {
    std::string out;
    for (const char c : text)
        if (!std::isspace(static_cast<unsigned char>(c))) out += c;
    return out;
}

std::optional<Value> tree_of(const std::string& text) {
    Sources sources;
    Diagnostics diagnostics;
    const Value tree = read_yaml(sources, sources.add("", text), diagnostics);
    if (!diagnostics.empty()) return std::nullopt;
    return tree;
}

} // namespace

std::string laid_out(std::string_view text) {
    return Layout().run(text);
}

bool same_meaning(const std::string& before, const std::string& after) {
    const auto a = tree_of(before), b = tree_of(after);
    return a && b && *a == *b && without_blanks(before) == without_blanks(after);
}

} // namespace hadeploy
