#include "planner/yaml/scalar_place.h"

#include "core/text.h"

namespace hadeploy {

namespace {
constexpr std::string_view kBlanks = " \t\r\n";

bool blank(char c) {
    return kBlanks.find(c) != kBlanks.npos;
}

/// The end of the scalar that begins at `begin`, or an offset after it. An unquoted scalar is taken
/// to include the rest of its line and the following lines that are indented deeper.
std::size_t end_of_scalar(std::string_view text, std::size_t begin) {
    const char before = begin > 0 ? text[begin - 1] : '\0';
    if (before == '"' || before == '\'') return std::min(closing_quote(text, begin), text.size());
    const std::size_t line = text.rfind('\n', begin) + 1; // npos + 1 is 0
    const std::size_t indent = text.find_first_not_of(' ', line) - line;
    const std::size_t deeper = line + indent == begin ? indent : indent + 1;
    std::size_t end = text.find('\n', begin);
    while (end != text.npos) {
        const std::size_t next = text.find_first_not_of(' ', end + 1);
        if (next == text.npos) break;
        if (!blank(text[next]) && next - end - 1 < deeper) return end;
        end = text.find('\n', next);
    }
    return text.size();
}
} // namespace

ScalarPlaces::ScalarPlaces(const Sources& sources, std::string_view text, Loc start)
    : sources_(sources), text_(text), start_(start), first_(sources.offset(start)) {
    if (first_ == std::string::npos) return;
    raw_ = sources.files()[start.file].text;
    const char before = first_ > 0 ? raw_[first_ - 1] : '\0';
    if (before == '"' || before == '\'') quote_ = before;
    rewind();
}

Loc ScalarPlaces::at(std::size_t offset) {
    if (first_ == std::string::npos) return start_;
    if (offset < to_) rewind();
    while (to_ < offset)
        if (!advance()) return start_;
    // an escaped newline or the indentation of the next line can precede the character
    while (to_ < text_.size() && quote_ == '"' && raw() == '\\' && raw(1) == '\n')
        if (!advance()) return start_;
    return sources_.at(start_.file, from_);
}

char ScalarPlaces::raw(std::size_t ahead) const {
    return from_ + ahead < raw_.size() ? raw_[from_ + ahead] : '\0';
}

void ScalarPlaces::rewind() {
    from_ = first_;
    to_ = 0;
    const bool block = quote_ == 0 && (raw() == '|' || raw() == '>');
    if (!block) return;
    from_ = std::min(raw_.find('\n', from_), raw_.size()); // skip the indicator and its comment
    (void)line_break();
}

/// Advances by one character of the value, or by a run of whitespace that can be folded.
bool ScalarPlaces::advance() {
    if (from_ >= raw_.size() || to_ >= text_.size()) return false;
    if (quote_ == '"' && raw() == '\\') return escape();
    if (blank(raw()) && line_break()) return true;
    if (raw() != text_[to_]) return false;
    from_ += quote_ == '\'' && raw() == '\'' ? 2 : 1;
    ++to_;
    return true;
}

/// Skips a newline and the whitespace around it, which can represent anything from nothing to
/// several newlines. Returns false if the whitespace here ends within the line.
bool ScalarPlaces::line_break() {
    const std::size_t end = std::min(raw_.find_first_not_of(kBlanks, from_), raw_.size());
    if (raw_.substr(from_, end - from_).find('\n') == raw_.npos) return false;
    from_ = end;
    to_ = std::min(text_.find_first_not_of(kBlanks, to_), text_.size());
    return true;
}

bool ScalarPlaces::escape() {
    const char kind = raw(1);
    if (kind == '\n' || kind == '\r') { // the line continues
        from_ = std::min(raw_.find_first_not_of(kBlanks, from_ + 1), raw_.size());
        return true;
    }
    const std::size_t digits = kind == 'x' ? 2 : kind == 'u' ? 4 : kind == 'U' ? 8 : 0;
    from_ += 2 + digits;
    const bool folded_already = (kind == 'n' || kind == 't') && !blank(text_[to_]);
    if (!folded_already) to_ += first_code_point(text_.substr(to_)).size;
    return true;
}

std::size_t closing_quote(std::string_view text, std::size_t begin) {
    const char quote = text[begin - 1];
    for (std::size_t i = begin; i < text.size(); ++i) {
        if (quote == '"' && text[i] == '\\')
            ++i;
        else if (quote == '\'' && text.substr(i, 2) == "''")
            ++i;
        else if (text[i] == quote)
            return i;
    }
    return text.npos;
}

namespace {
/// The keys of a secret value are as secret as the value.
void hide_key(Sources& sources, Loc loc) {
    std::size_t begin = sources.offset(loc);
    if (begin == std::string::npos) return;
    const std::string& text = sources.files()[loc.file].text;
    const auto quote = [&](std::size_t at) { return text[at] == '"' || text[at] == '\''; };
    if (begin < text.size() && quote(begin)) ++begin;
    std::size_t end = text.find(':', begin);
    while (end != text.npos && end + 1 < text.size() && !blank(text[end + 1]))
        end = text.find(':', end + 1);
    if (begin > 0 && quote(begin - 1)) end = closing_quote(text, begin);
    sources.hide(loc.file, begin, std::min(end, text.size()));
}
} // namespace

void hide_scalars(Sources& sources, const Value& tree) {
    if (tree.is_list()) {
        for (const Value& item : tree.as_list()) hide_scalars(sources, item);
    } else if (tree.is_map()) {
        for (const Entry& e : tree.as_map()) {
            hide_key(sources, e.loc);
            hide_scalars(sources, e.value);
        }
    } else if (const std::size_t begin = sources.offset(tree.loc()); begin != std::string::npos) {
        const std::uint16_t file = tree.loc().file;
        sources.hide(file, begin, end_of_scalar(sources.files()[file].text, begin));
    }
}

} // namespace hadeploy
