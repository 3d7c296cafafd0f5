#include "planner/lang/functions.h"

#include "core/text.h"
#include "planner/lang/text_pattern.h"

#include <algorithm>
#include <fmt/format.h>

namespace hadeploy {

namespace {

constexpr std::string_view kBlanks = " \t\r\n";

std::string_view stripped(std::string_view text, std::string_view of, bool left, bool right) {
    while (left && !text.empty() && of.find(text.front()) != of.npos) text.remove_prefix(1);
    while (right && !text.empty() && of.find(text.back()) != of.npos) text.remove_suffix(1);
    return text;
}

std::string mapped(std::string text, int (*change)(int)) {
    for (char& c : text) c = static_cast<char>(change(static_cast<unsigned char>(c)));
    return text;
}

/// Removes the characters in `of` from both ends; characters can have several bytes.
std::string_view trimmed(std::string_view text, std::string_view of) {
    const auto first = [&] { return text.substr(0, first_code_point(text).size); };
    const auto last = [&] {
        std::size_t at = text.size() - 1;
        while (at > 0 && (static_cast<unsigned char>(text[at]) & 0xC0) == 0x80) --at;
        return text.substr(at);
    };
    while (!text.empty() && of.find(first()) != of.npos) text.remove_prefix(first().size());
    while (!text.empty() && of.find(last()) != of.npos) text.remove_suffix(last().size());
    return text;
}

/// Whether a byte separates words: it is an ASCII character, but not a letter, digit or underscore.
bool separates(unsigned char c) {
    return c < 0x80 && std::isalnum(c) == 0 && c != '_';
}

Value title(const Call& call) {
    std::string out = call.text(0);
    for (std::size_t i = 0; i < out.size(); ++i)
        if (i == 0 || separates(static_cast<unsigned char>(out[i - 1])))
            out[i] = static_cast<char>(std::toupper(static_cast<unsigned char>(out[i])));
    return out;
}

/// The offset of each character, and the offset of the end.
std::vector<std::size_t> characters(std::string_view text) {
    std::vector<std::size_t> out{0};
    while (out.back() < text.size())
        out.push_back(out.back() + first_code_point(text.substr(out.back())).size);
    return out;
}

Value substr(const Call& call) {
    const std::vector<std::size_t> at = characters(call.text(0));
    const auto size = static_cast<std::int64_t>(at.size()) - 1;
    std::int64_t from = call[1].as_integer();
    if (from < 0) from += size;
    const std::int64_t length = call.size() > 2 ? call[2].as_integer() : -1;
    if (from < 0 || length < -1)
        throw call.mistake(
            fmt::format("the text has {} characters: the range from {} to {} is outside of it",
                        size, call.redacted(1), call.size() > 2 ? call.redacted(2) : "-1"));
    from = std::min(from, size);
    const std::int64_t to = length < 0 ? size : std::min(size, from + std::min(length, size));
    const std::size_t begin = at[static_cast<std::size_t>(from)];
    return call.text(0).substr(begin, at[static_cast<std::size_t>(to)] - begin);
}

Value split(const Call& call) {
    const std::string &separator = call.text(0), &text = call.text(1);
    if (separator.empty()) throw call.mistake("the separator is empty");
    Value::List out;
    for (std::size_t from = 0;;) {
        const std::size_t end = text.find(separator, from);
        out.push_back(text.substr(from, end - from));
        if (end == text.npos) return Value::list(std::move(out));
        from = end + separator.size();
    }
}

Value join(const Call& call) {
    std::string out;
    bool first = true;
    for (const Value& item : call[1].as_list()) {
        if (item.is_list() || item.is_map() || item.is_null())
            throw call.mistake(fmt::format("{} can't be part of a string", item.kind_name()));
        if (!std::exchange(first, false)) out += call.text(0);
        out += scalar_text(item);
        call.check_size(out.size());
    }
    return out;
}

Value indent(const Call& call) {
    const std::int64_t count = call[0].as_integer();
    if (count < 0 || count > 1000) throw call.mistake("spaces: must be from 0 to 1000");
    std::string out;
    for (const char c : call.text(1)) {
        out += c;
        if (c != '\n') continue;
        out += std::string(static_cast<std::size_t>(count), ' ');
        call.check_size(out.size());
    }
    return out;
}

Value replaced(const Call& call) {
    const std::string &text = call.text(0), &what = call.text(1), &with = call.text(2);
    if (what.size() > 1 && what.starts_with('/') && what.ends_with('/'))
        return pattern::replace(call, text, what.substr(1, what.size() - 2), with);
    if (what.empty()) throw call.mistake("what: must not be empty");
    std::string out;
    for (std::size_t from = 0;;) {
        const std::size_t end = text.find(what, from);
        out += text.substr(from, end - from);
        if (end == text.npos) return out;
        out += with;
        call.check_size(out.size());
        from = end + what.size();
    }
}

/// Calls format() for each element of the lists (or maps) among the arguments.
Value format_list(const Call& call) {
    const Value* leader = nullptr;
    std::size_t of = 0; // index of that argument
    for (std::size_t i = 1; i < call.size() && leader == nullptr; ++i)
        if (call[i].is_list() || call[i].is_map()) leader = &call[of = i];
    if (leader == nullptr) throw call.mistake("a list or a map is missing among the arguments");
    const std::size_t count = leader->is_map() ? leader->as_map().size() : leader->as_list().size();
    Value::List items;
    Value::Map entries;
    std::size_t made = 0;
    for (std::size_t row = 0; row < count; ++row) {
        std::vector<Value> arguments{call[0]};
        for (std::size_t i = 1; i < call.size(); ++i) {
            const Value& v = call[i];
            if ((v.is_list() && leader->is_map()) || (v.is_map() && leader->is_list()) ||
                (v.is_list() && v.as_list().size() != count))
                throw call.mistake("the lists must have the same length");
            if (v.is_map() && !v.has(leader->as_map()[row].key))
                throw call.mistake(fmt::format("one of the maps has no key {}",
                                               call.quoted(of, leader->as_map()[row].key)));
            arguments.push_back(v.is_list()  ? v.as_list()[row]
                                : v.is_map() ? v[leader->as_map()[row].key]
                                             : v);
        }
        Value text = pattern::format({call.function, std::move(arguments), call.loc, call.names});
        call.check_size(made += text.weight());
        if (leader->is_map())
            entries.push_back({leader->as_map()[row].key, std::move(text)});
        else
            items.push_back(std::move(text));
    }
    return leader->is_map() ? Value::map(std::move(entries)) : Value::list(std::move(items));
}

Value backwards(const Call& call) {
    const std::string& text = call.text(0);
    const std::vector<std::size_t> at = characters(text);
    std::string out;
    for (std::size_t i = at.size() - 1; i > 0; --i)
        out += text.substr(at[i - 1], at[i] - at[i - 1]);
    return out;
}

Value without_prefix(const Call& call) {
    const std::string& text = call.text(0);
    return text.starts_with(call.text(1)) ? text.substr(call.text(1).size()) : text;
}

Value without_suffix(const Call& call) {
    const std::string& text = call.text(0);
    return text.ends_with(call.text(1)) ? text.substr(0, text.size() - call.text(1).size()) : text;
}

} // namespace

FunctionGroup text_functions() {
    return {
        "Text",
        {
            {"upper", "text: string", "The text with ASCII letters in upper case.",
             R"(upper("web-1"))", R"("WEB-1")",
             [](const Call& c) -> Value { return mapped(c.text(0), std::toupper); }},
            {"lower", "text: string", "The text with ASCII letters in lower case.",
             R"(lower("Web-1"))", R"("web-1")",
             [](const Call& c) -> Value { return mapped(c.text(0), std::tolower); }},
            {"title", "text: string", "The text with the first letter of each word in upper case.",
             R"(title("my first cluster"))", R"("My First Cluster")", title},
            {"trim", "text: string, characters: string",
             "The text without these characters at both ends.", R"(trim("--web--", "-"))",
             R"("web")", [](const Call& c) -> Value { return trimmed(c.text(0), c.text(1)); }},
            {"trimspace", "text: string",
             "The text without whitespace, including newlines, at both ends.",
             R"(trimspace("  web\n"))", R"("web")",
             [](const Call& c) -> Value { return stripped(c.text(0), kBlanks, true, true); }},
            {"trimprefix", "text: string, prefix: string",
             "The text without the prefix, if it has it.", R"(trimprefix("node-1", "node-"))",
             R"("1")", without_prefix},
            {"trimsuffix", "text: string, suffix: string",
             "The text without the suffix, if it has it.", R"(trimsuffix("web.yaml", ".yaml"))",
             R"("web")", without_suffix},
            {"chomp", "text: string", "The text without trailing newlines.", R"(chomp("web\n\n"))",
             R"("web")",
             [](const Call& c) -> Value { return stripped(c.text(0), "\r\n", false, true); }},
            {"indent", "spaces: integer, text: string", "Indents all lines except the first.",
             R"(indent(2, "a:\nb"))", R"("a:\n  b")", indent},
            {"split", "separator: string, text: string", "The text split at each separator.",
             R"(split(",", "a,b,c"))", R"(["a", "b", "c"])", split},
            {"join", "separator: string, items: list", "The items joined into one text.",
             R"(join(", ", ["a", 1]))", R"("a, 1")", join},
            {"replace", "text: string, what: string, with: string",
             "Replaces every occurrence of `what`; `/.../` is a regular expression, and `$1` its "
             "first group.",
             R"(replace("node1 node2", "/node([0-9])/", "n$1"))", R"("n1 n2")", replaced},
            {"regex", "pattern: string, text: string",
             "The first match, or a list of its groups if the pattern has any; a map if they have "
             "names, `(?P<name>...)`. No match is an error. The syntax is that of RE2, as in Go "
             "and Terraform. Matching takes linear time, so there is no look-ahead `(?=...)` and "
             "no backreference. `(?i)` ignores case, `\\x{2603}` is a character by its code point.",
             R"x(regex("([a-z]+)-([0-9]+)", "see node-17"))x", R"(["node", "17"])", pattern::first},
            {"regexall", "pattern: string, text: string",
             "A list of all matches. All searches of one expression together can take 5 s.",
             R"(regexall("[0-9]+", "7 of 12"))", R"(["7", "12"])", pattern::all},
            {"format", "format: string, values: any...",
             "`%s` a text, `%d` an integer, `%f` a number, `%g` a number with as many digits as "
             "needed, "
             "`%t` a boolean, `%q` a quoted text, `%v` anything, `%x` hexadecimal, `%b` "
             "binary, `%%` a percent sign; with width and precision as in `%-8s`, `%03d`, `%.2f`.",
             R"(format("%s-%03d %.1f%%", "web", 7, 99.5))", R"("web-007 99.5%")", pattern::format},
            {"formatlist", "format: string, values: any...",
             "`format` for each element of the lists (or maps) among the values.",
             R"(formatlist("http://%s:%d", ["a", "b"], 80))", R"(["http://a:80", "http://b:80"])",
             format_list},
            {"substr", "text: string, from: integer, length: integer?",
             "A part of the text, in characters; a negative `from` counts from the end.",
             R"(substr("cluster", 1, 3))", R"("lus")", substr},
            {"strrev", "text: string", "The text with its characters in reverse order.",
             R"(strrev("für"))", R"("rüf")", backwards},
            {"startswith", "text: string, prefix: string",
             "Whether the text begins with the prefix.", R"(startswith("node1", "node"))", "true",
             [](const Call& c) -> Value { return c.text(0).starts_with(c.text(1)); }},
            {"endswith", "text: string, suffix: string", "Whether the text ends with the suffix.",
             R"(endswith("web.yaml", ".json"))", "false",
             [](const Call& c) -> Value { return c.text(0).ends_with(c.text(1)); }},
            {"strcontains", "text: string, part: string", "Whether the text contains the part.",
             R"(strcontains("cluster", "lust"))", "true",
             [](const Call& c) -> Value { return c.text(0).find(c.text(1)) != std::string::npos; }},
        }};
}

} // namespace hadeploy
