#include "cli/render/value_text.h"

#include "cli/render/line_diff.h"
#include "cli/render/text.h"
#include "provider_api/units.h"

#include <algorithm>
#include <fmt/format.h>

namespace hadeploy::cli {

namespace {
constexpr std::size_t kInline = 72;     ///< columns up to which a container stays on one line
constexpr std::size_t kLongest = 160;   ///< columns of a single value
constexpr std::size_t kShownLines = 20; ///< maximum number of lines of a new text
constexpr std::size_t kChangedLines = 60;

bool reads_as_something_else(std::string_view text) {
    if (text == "true" || text == "false" || text == "null" || text == "~") return true;
    const bool numeric = text.find_first_not_of("0123456789+-.eE") == std::string_view::npos;
    return numeric && text.find_first_of("0123456789") != std::string_view::npos;
}

/// Quotes a string with the kind of quotes that it does not contain, if possible.
std::string quote(const std::string& text) {
    const char mark = text.find('"') == std::string::npos ? '"' : '\'';
    return mark + text + mark;
}

/// A string, quoted only if it would be ambiguous otherwise.
std::string string_text(std::string_view text) {
    const bool quoted =
        text.empty() || text.front() == ' ' || text.back() == ' ' || text.front() == '"' ||
        text.front() == '\'' || text.front() == '(' || text.front() == '[' || text.front() == '{' ||
        text.find(" -> ") != std::string_view::npos || reads_as_something_else(text);
    const std::string shown = fit(printable(text), kLongest);
    return quoted ? quote(shown) : shown;
}

/// Inside [] and {} a comma or a colon would end a string.
std::string item_text(const Type* type, const Value& value) {
    std::string text = value_text(type, value);
    const bool quoted =
        value.is_string() && !value.secret() && !text.starts_with('"') && !text.starts_with('\'') &&
        (text.find(", ") != std::string::npos || text.find(": ") != std::string::npos ||
         text.find_first_of("[]{}") != std::string::npos);
    return quoted ? quote(text) : text;
}

std::string connection_text(const Value& c) {
    const std::string machine = c.text("machine");
    if (!machine.empty()) return machine;
    std::string out = fmt::format("{}@{}", c.text("user", "root"), c.text("address"));
    const std::int64_t port = c.integer("port", 22);
    return port == 22 ? out : out + fmt::format(":{}", port);
}

/// A null field of an object counts as absent; in other maps null is an entry.
bool is_left_out(const Type* type, const Entry& e) {
    return e.value.is_null() && type != nullptr && type->kind == TypeKind::object;
}

std::string map_text(const Type* type, const Value& value) {
    std::string out;
    for (const Entry& e : value.as_map()) {
        if (is_left_out(type, e)) continue;
        out += out.empty() ? "" : ", ";
        out += printable(e.key) + ": " + item_text(member_type(type, e.key), e.value);
    }
    return "{" + out + "}";
}

std::string list_text(const Type* type, const Value& value) {
    std::string out;
    for (const Value& item : value.as_list()) {
        out += out.empty() ? "" : ", ";
        out += item_text(member_type(type, ""), item);
    }
    return "[" + out + "]";
}

bool is_multiline(const Value& v) {
    return v.is_string() && !v.secret() && v.as_string().find('\n') != std::string::npos &&
           v.as_string().find('\n') + 1 < v.as_string().size();
}

bool is_connection(const Type* type) {
    return type != nullptr && type->kind == TypeKind::connection;
}

std::string margin(std::size_t indent) {
    return std::string(indent, ' ');
}

void append(std::vector<std::string>& out, std::vector<std::string> more) {
    out.insert(out.end(), std::make_move_iterator(more.begin()),
               std::make_move_iterator(more.end()));
}

std::vector<std::string> text_lines(std::string_view name, const std::string& text,
                                    std::size_t indent) {
    const std::vector<std::string> lines = split_lines(text);
    std::vector<std::string> out{
        fmt::format("{}{}: ({})", margin(indent), name, counted(lines.size(), "line"))};
    for (std::size_t i = 0; i < std::min(lines.size(), kShownLines); ++i)
        out.push_back(margin(indent + 2) + "| " + fit(printable(lines[i], true), kLongest));
    if (lines.size() > kShownLines)
        out.push_back(fmt::format("{}... and {} more", margin(indent + 2),
                                  counted(lines.size() - kShownLines, "line")));
    return out;
}

std::string arrow(const Style& style) {
    return style.paint(Tint::dim, "->");
}

/// Shortens two long strings to the part that differs.
std::pair<std::string, std::string> differing_part(std::string a, std::string b) {
    constexpr std::size_t kKept = 16;
    if (std::max(a.size(), b.size()) <= kInline) return {std::move(a), std::move(b)};
    const std::size_t shorter = std::min(a.size(), b.size());
    std::size_t front = 0, back = 0;
    while (front < shorter && a[front] == b[front]) ++front;
    while (back < shorter - front && a[a.size() - 1 - back] == b[b.size() - 1 - back]) ++back;
    // do not cut inside a character
    const auto boundary = [](const std::string& text, std::size_t at) {
        while (at < text.size() && (text[at] & 0xC0) == 0x80) ++at;
        return at;
    };
    const auto cut = [&](std::string text) {
        if (back > kKept + 3)
            text = text.substr(0, boundary(text, text.size() - back + kKept)) + "...";
        if (front > kKept + 3) text = "..." + text.substr(boundary(text, front - kKept));
        return fit(text, kLongest);
    };
    return {cut(std::move(a)), cut(std::move(b))};
}

void change_item(char sign, const std::string& text, std::size_t indent, const Style& style,
                 std::vector<std::string>& out) {
    const Tint tint = sign == '+' ? Tint::green : Tint::red;
    out.push_back(margin(indent) + style.paint(tint, fmt::format("{} {}", sign, text)));
}

std::vector<std::string> changed_lines(const std::vector<std::string>& before,
                                       const std::vector<std::string>& after, std::size_t indent,
                                       const Style& style) {
    std::vector<std::string> out;
    for (const LineChange& change : diff_lines(before, after)) {
        if (out.size() == kChangedLines) {
            out.push_back(margin(indent) + "... and more");
            break;
        }
        const std::string text = fit(change.text, kLongest);
        if (change.sign == ' ')
            out.push_back(margin(indent) + style.paint(Tint::dim, "  " + text));
        else
            change_item(change.sign, text, indent, style, out);
    }
    return out;
}

std::vector<std::string> printable_lines(const std::string& text) {
    std::vector<std::string> lines = split_lines(text);
    for (std::string& line : lines) line = printable(line, true);
    return lines;
}

std::vector<std::string> map_change(const Type* type, const Value& before, const Value& after,
                                    std::size_t indent, const Style& style) {
    std::vector<std::string> out;
    for (const Entry& e : before.as_map()) {
        const Type* member = member_type(type, e.key);
        const Value* now = after.find(e.key);
        if (now == nullptr) {
            if (!is_left_out(type, e))
                change_item('-', printable(e.key) + ": " + value_text(member, e.value), indent,
                            style, out);
        } else if (!(*now == e.value)) {
            append(out,
                   change_lines("~ " + printable(e.key), member, e.value, *now, indent, style));
        }
    }
    for (const Entry& e : after.as_map())
        if (!before.has(e.key) && !is_left_out(type, e))
            change_item('+',
                        printable(e.key) + ": " + value_text(member_type(type, e.key), e.value),
                        indent, style, out);
    return out;
}

std::vector<std::string> item_texts(const Type* type, const Value& list) {
    std::vector<std::string> out;
    for (const Value& item : list.as_list()) out.push_back(value_text(member_type(type, ""), item));
    return out;
}
} // namespace

const Type* member_type(const Type* type, std::string_view key) {
    if (type == nullptr) return nullptr;
    if (type->element) return type->element.get();
    if (type->kind != TypeKind::object || !type->fields) return nullptr;
    const Attribute* field = find_attribute(*type->fields, key);
    return field == nullptr ? nullptr : &field->type;
}

std::string value_text(const Type* type, const Value& value) {
    if (value.secret() || value.is_null() || value.is_unknown()) return display(value);
    const TypeKind kind = type == nullptr ? TypeKind::any : type->kind;
    if (kind == TypeKind::bytes && value.is_integer()) return show_bytes(value.as_integer());
    if (kind == TypeKind::duration && value.is_integer()) return show_duration(value.as_integer());
    if (kind == TypeKind::connection && value.is_map()) return connection_text(value);
    if (value.is_string()) return string_text(value.as_string());
    if (value.is_map()) return map_text(type, value);
    if (value.is_list()) return list_text(type, value);
    return display(value);
}

std::vector<std::string> value_lines(std::string_view name, const Type* type, const Value& value,
                                     std::size_t indent) {
    if (is_multiline(value)) return text_lines(name, value.as_string(), indent);
    const std::string text = value_text(type, value);
    const bool container = (value.is_map() || value.is_list()) && !value.secret();
    if (!container || is_connection(type) || columns_of(text) <= kInline)
        return {fmt::format("{}{}: {}", margin(indent), name, text)};
    std::vector<std::string> out{fmt::format("{}{}:", margin(indent), name)};
    if (value.is_map()) {
        for (const Entry& e : value.as_map())
            if (!is_left_out(type, e))
                append(out, value_lines(printable(e.key), member_type(type, e.key), e.value,
                                        indent + 2));
    } else {
        for (const Value& item : value.as_list())
            out.push_back(margin(indent + 2) + "- " + value_text(member_type(type, ""), item));
    }
    return out;
}

std::vector<std::string> change_lines(std::string_view name, const Type* type, const Value& before,
                                      const Value& after, std::size_t indent, const Style& style) {
    const bool hidden = before.secret() || after.secret();
    const std::string head = fmt::format("{}{}:", margin(indent), name);
    if (hidden) return {head + " (secret, differs)"};
    std::vector<std::string> inner;
    if (before.is_map() && after.is_map() && !is_connection(type))
        inner = map_change(type, before, after, indent + 2, style);
    else if (before.is_list() && after.is_list())
        inner = changed_lines(item_texts(type, before), item_texts(type, after), indent + 2, style);
    else if (before.is_string() && after.is_string() &&
             (is_multiline(before) || is_multiline(after)))
        inner = changed_lines(printable_lines(before.as_string()),
                              printable_lines(after.as_string()), indent + 2, style);
    if (!inner.empty()) {
        inner.insert(inner.begin(), head);
        return inner;
    }
    if (before == after) // after an interrupted update: the current value is not known
        return {fmt::format("{} {} (set again)", head, value_text(type, after))};
    auto [was, is] = differing_part(value_text(type, before), value_text(type, after));
    return {fmt::format("{} {} {} {}", head, was, arrow(style), is)};
}

namespace {
Value mark_secrets_of(const Type& type, const Value& value) {
    if (type.kind == TypeKind::object && type.fields && value.is_map())
        return cli::mark_secrets(*type.fields, value);
    if (!type.element) return value;
    if (value.is_map()) {
        Value::Map entries = value.as_map();
        for (Entry& e : entries) e.value = mark_secrets_of(*type.element, e.value);
        return Value::map(std::move(entries));
    }
    if (!value.is_list()) return value;
    Value::List items = value.as_list();
    for (Value& item : items) item = mark_secrets_of(*type.element, item);
    return Value::list(std::move(items));
}
} // namespace

Value mark_secrets(const Schema& schema, const Value& attributes) {
    if (!attributes.is_map() || attributes.secret()) return attributes;
    Value::Map entries = attributes.as_map();
    for (Entry& e : entries) {
        const Attribute* a = find_attribute(schema, e.key);
        if (a == nullptr || e.value.secret()) continue;
        e.value = a->secret ? e.value.as_secret() : mark_secrets_of(a->type, e.value);
    }
    return Value::map(std::move(entries));
}

} // namespace hadeploy::cli
