#include "planner/text_pattern.h"

#include "core/text.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <fmt/format.h>
#include <regex>

namespace hadeploy::pattern {

namespace {

constexpr std::size_t kMaxPattern = 4096;
constexpr std::size_t kMaxText = 1u << 20;

// The usual matcher of libstdc++ goes back and forth, and into itself once a character: a long text
// takes all of the stack, a wicked pattern all of the time. This one reads the text once.
#ifdef __GLIBCXX__
constexpr auto kSyntax = std::regex::ECMAScript | std::regex_constants::__polynomial;
#else
constexpr auto kSyntax = std::regex::ECMAScript;
#endif

std::regex compiled(const Call& call, const std::string& pattern, const std::string& text) {
    if (pattern.size() > kMaxPattern || text.size() > kMaxText)
        throw call.mistake(fmt::format("the pattern may have {} bytes, the text {} MiB",
                                       kMaxPattern, kMaxText >> 20));
    try {
        return std::regex(pattern, kSyntax);
    } catch (const std::regex_error&) {
        throw call.mistake(fmt::format("{} is not a regular expression", in_quotes(pattern)),
                           "the syntax is JavaScript's, without references back to a group");
    }
}

/// A match without groups is a text, one with groups the list of theirs.
Value match_value(const std::smatch& match) {
    if (match.size() == 1) return match.str();
    Value::List groups;
    for (std::size_t i = 1; i < match.size(); ++i)
        groups.push_back(match[i].matched ? Value(match.str(i)) : Value());
    return Value::list(std::move(groups));
}

/// One `%...` of a format string.
struct Directive {
    std::string flags;
    std::string width, precision; ///< precision with its dot
    char verb = 0;
};

Directive directive_at(const std::string& format, std::size_t& at, const Call& call) {
    Directive d;
    const auto digits = [&](std::string& into) {
        while (at < format.size() && std::isdigit(static_cast<unsigned char>(format[at])))
            into += format[at++];
        if (into.size() > 4) throw call.mistake("a width is less than 10000");
    };
    while (at < format.size() && std::string_view("-+0 #").find(format[at]) != std::string::npos)
        d.flags += format[at++];
    digits(d.width);
    if (at < format.size() && format[at] == '.') {
        d.precision = format[at++];
        digits(d.precision);
    }
    if (at == format.size()) throw call.mistake("the format ends within a %");
    d.verb = format[at++];
    return d;
}

template<class T>
std::string printed(const Directive& d, std::string_view conversion, T value) {
    const std::string spec = "%" + d.flags + d.width + d.precision + std::string(conversion);
    // the parts were checked by directive_at()
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    std::string out(static_cast<std::size_t>(std::snprintf(nullptr, 0, spec.c_str(), value)), '\0');
    std::snprintf(out.data(), out.size() + 1, spec.c_str(), value);
#pragma GCC diagnostic pop
    return out;
}

std::int64_t integer(const Call& call, const Value& v, char verb) {
    if (v.is_integer()) return v.as_integer();
    if (v.is_number() && v.as_number() == std::floor(v.as_number()) &&
        std::abs(v.as_number()) < 9e15)
        return static_cast<std::int64_t>(v.as_number());
    throw call.mistake(fmt::format("%{} needs an integer, got {}", verb, v.kind_name()));
}

std::string text(const Call& call, const Value& v, const Directive& d) {
    if (d.verb == 'v' && (v.is_list() || v.is_map() || v.is_null())) {
        return to_public_json(v);
    }
    if (v.is_list() || v.is_map() || v.is_null())
        throw call.mistake(fmt::format("%{} needs a scalar, got {}", d.verb, v.kind_name()),
                           "%v shows anything");
    return d.verb == 'q' ? to_public_json(scalar_text(v)) : scalar_text(v);
}

std::string one(const Call& call, const Value& v, const Directive& d) {
    switch (d.verb) {
    case 's':
    case 'q':
    case 'v': {
        const std::string shown = text(call, v, d);
        if (d.width.empty() && d.precision.empty()) return shown; // printf would stop at a NUL
        return printed(d, "s", shown.c_str());
    }
    case 'd': return printed(d, "lld", static_cast<long long>(integer(call, v, 'd')));
    case 'x':
    case 'X':
    case 'o':
        return printed(d, std::string("ll") + d.verb,
                       static_cast<unsigned long long>(integer(call, v, d.verb)));
    case 'f':
    case 'e':
    case 'g':
        if (!v.is_number())
            throw call.mistake(fmt::format("%{} needs a number, got {}", d.verb, v.kind_name()));
        return printed(d, std::string(1, d.verb), v.as_number());
    default:
        throw call.mistake(fmt::format("there is no %{}", d.verb),
                           "there are %s %d %f %e %g %q %v %x %X %o and %%");
    }
}

} // namespace

Value first(const Call& call) {
    const std::regex expression = compiled(call, call.text(0), call.text(1));
    std::smatch match;
    const std::string& text = call.text(1);
    if (!std::regex_search(text, match, expression))
        throw call.mistake(
            fmt::format("{} is nowhere in the text", in_quotes(call.text(0))),
            "can(regex(...)) tells whether it is, try(regex(...), \"\") has a default");
    return match_value(match);
}

Value all(const Call& call) {
    const std::regex expression = compiled(call, call.text(0), call.text(1));
    const std::string& text = call.text(1);
    Value::List out;
    for (std::sregex_iterator it(text.begin(), text.end(), expression), end; it != end; ++it)
        out.push_back(match_value(*it));
    return Value::list(std::move(out));
}

std::string replace(const Call& call, const std::string& text, const std::string& pattern,
                    const std::string& with) {
    const std::regex expression = compiled(call, pattern, text);
    const auto groups = static_cast<std::size_t>(std::count(with.begin(), with.end(), '$'));
    std::string out;
    auto from = text.begin();
    for (std::sregex_iterator it(from, text.end(), expression), end; it != end; ++it) {
        const auto length = static_cast<std::size_t>(it->length());
        call.check_size(out.size() + with.size() + groups * length);
        out.append(from, (*it)[0].first).append(it->format(with));
        from = (*it)[0].second;
    }
    return out.append(from, text.end());
}

Value format(const Call& call) {
    const std::string& format = call.text(0);
    std::string out;
    std::size_t next = 1;
    for (std::size_t at = 0; at < format.size();) {
        if (format[at] != '%') {
            out += format[at++];
            continue;
        }
        const Directive d = directive_at(format, ++at, call);
        if (d.verb == '%') {
            out += '%';
            continue;
        }
        if (next == call.size())
            throw call.mistake(fmt::format("the format wants more than {} values", next - 1));
        out += one(call, call[next++], d);
        call.check_size(out.size());
    }
    if (next != call.size())
        throw call.mistake(
            fmt::format("the format uses {} of {} values", next - 1, call.size() - 1));
    return out;
}

} // namespace hadeploy::pattern
