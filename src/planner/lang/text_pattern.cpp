#include "planner/lang/text_pattern.h"

#include "core/text.h"
#include "core/value_json.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <ctime>
#include <fmt/format.h>
#include <re2/re2.h>

namespace hadeploy::pattern {

namespace {

constexpr std::size_t kMaxPattern = 4096;
constexpr std::size_t kMaxText = 1u << 20;
constexpr std::size_t kMaxGroups = 100;     ///< RE2's time and memory grow with its square
constexpr std::chrono::seconds kMaxTime(5); ///< total time of all searches of an expression

/// The processor time of this thread, which other programs do not increase.
std::chrono::nanoseconds processor_time() {
    timespec now{};
    ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return std::chrono::seconds(now.tv_sec) + std::chrono::nanoseconds(now.tv_nsec);
}

/// A pattern and its text. For every pattern RE2 finds a match without recursion, in time that is
/// linear in the size of the text. Therefore it has neither look-ahead nor backreferences. Finding
/// all matches can take quadratic time, because each search can read the text to its end.
class PatternSearch {
  public:
    /// @param argument  index of the argument with the pattern
    PatternSearch(const Call& call, std::size_t argument, const std::string& pattern,
                  const std::string& text)
        : call_(call), text_(text),
          expression_((check_sizes(call, pattern, text), pattern), RE2::Quiet) {
        check_time(); // time of the searches before this one
        if (!expression_.ok())
            throw call.mistake(fmt::format("{} is not a regular expression: {}",
                                           call.quoted(argument, pattern),
                                           call.redacted(argument, expression_.error())),
                               "the syntax is that of RE2, as in Go and Terraform: no look-ahead, "
                               "no backreferences");
        parts_.resize(static_cast<std::size_t>(expression_.NumberOfCapturingGroups()) + 1);
        if (parts_.size() > kMaxGroups + 1)
            throw call.mistake(fmt::format("the pattern has more than {} groups", kMaxGroups),
                               "write (?:...) for a group whose text is not needed");
        const std::size_t named = expression_.NamedCapturingGroups().size();
        if (named != 0 && named + 1 != parts_.size())
            throw call.mistake(
                fmt::format("{} has groups with and without names", call.quoted(argument, pattern)),
                "name all of them, (?P<name>...), or none; (?:...) groups without capturing");
    }
    PatternSearch(const PatternSearch&) = delete;
    PatternSearch& operator=(const PatternSearch&) = delete;
    ~PatternSearch() { call_.names.context().pattern_time += processor_time() - began_; }

    /// Advances to the next match; empty matches occur once for each character.
    bool next() {
        while (at_ <= text_.size() &&
               expression_.Match(text_, at_, text_.size(), RE2::UNANCHORED, parts_.data(),
                                 static_cast<int>(parts_.size()))) {
            constexpr unsigned rarely = 16; // reading the clock is a system call
            if (++matches_ % rarely == 0) check_time();
            at_ = end();
            const bool within = is_within_character(begin());
            if (parts_[0].empty()) at_ = next_character(at_);
            if (within && parts_[0].empty())
                continue; // \B also matches between the bytes of a
                          // character
            refuse_bytes();
            return true;
        }
        return false;
    }
    [[nodiscard]] std::size_t begin() const {
        return static_cast<std::size_t>(parts_[0].data() - text_.data());
    }
    [[nodiscard]] std::size_t end() const { return begin() + parts_[0].size(); }
    [[nodiscard]] std::size_t size() const { return parts_.size(); }
    /// The text of a group; 0 is the whole match. Null if the group did not participate in the
    /// match.
    [[nodiscard]] Value part(std::size_t group) const {
        const re2::StringPiece& p = parts_[group];
        return p.data() == nullptr ? Value() : Value(std::string(p.data(), p.size()));
    }
    /// A match without groups is a string, a match with groups is the list of their texts, and a
    /// match with named groups is a map of them.
    [[nodiscard]] Value value() const {
        if (size() == 1) return part(0);
        if (const auto& names = expression_.NamedCapturingGroups(); !names.empty()) {
            Value::Map groups;
            for (const auto& [name, group] : names)
                groups.push_back({name, part(static_cast<std::size_t>(group))});
            return Value::map(std::move(groups));
        }
        Value::List groups;
        for (std::size_t i = 1; i < size(); ++i) groups.push_back(part(i));
        return Value::list(std::move(groups));
    }

  private:
    static void check_sizes(const Call& call, const std::string& pattern, const std::string& text) {
        if (pattern.size() > kMaxPattern || text.size() > kMaxText)
            throw call.mistake(fmt::format("the pattern can have at most {} bytes, the text {} MiB",
                                           kMaxPattern, kMaxText >> 20));
    }

    void check_time() const {
        const auto spent = call_.names.context().pattern_time + processor_time() - began_;
        if (spent > kMaxTime)
            throw call_.mistake(fmt::format("the search takes more than {} s", kMaxTime.count()),
                                "a part such as (.*x)? makes each match read the rest of the text: "
                                "use [^\\n]* or a limit such as .{0,100}, or search shorter texts");
    }

    [[nodiscard]] bool is_within_character(std::size_t at) const {
        return at < text_.size() && (static_cast<unsigned char>(text_[at]) & 0xC0) == 0x80;
    }
    [[nodiscard]] std::size_t next_character(std::size_t at) const {
        for (++at; is_within_character(at);) ++at;
        return at;
    }
    /// `\C` matches a single byte, even within a character.
    void refuse_bytes() const {
        for (const re2::StringPiece& p : parts_)
            if (!is_utf8({p.data(), p.size()}))
                throw call_.mistake("the match is a part of a character, which is not valid text",
                                    "\\C matches a single byte; . matches a character");
    }

    const Call& call_;
    const std::string& text_;
    RE2 expression_;
    std::vector<re2::StringPiece> parts_;
    std::size_t at_ = 0;
    unsigned matches_ = 0;
    std::chrono::nanoseconds began_ = processor_time();
};

/// The replacement of a match: `$1` is the text of a group, `$&` the match, `$$` a dollar sign.
std::string filled(std::string_view with, const PatternSearch& found) {
    std::string out;
    for (std::size_t at = 0; at < with.size(); ++at) {
        const char next = at + 1 < with.size() ? with[at + 1] : '\0';
        if (with[at] != '$') {
            out += with[at];
        } else if (next == '$' || next == '&') {
            out += next == '$' ? "$" : found.part(0).as_string();
            ++at;
        } else if (std::isdigit(static_cast<unsigned char>(next))) {
            std::size_t group = 0;
            for (int digits = 0; digits < 2 && at + 1 < with.size() &&
                                 std::isdigit(static_cast<unsigned char>(with[at + 1]));
                 ++digits)
                group = group * 10 + static_cast<std::size_t>(with[++at] - '0');
            if (group < found.size() && found.part(group).is_string())
                out += found.part(group).as_string();
        } else {
            out += '$';
        }
    }
    return out;
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
        if (into.size() > 4) throw call.mistake("a width must be less than 10000");
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
    // directive_at() has checked the parts
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    std::string out(static_cast<std::size_t>(std::snprintf(nullptr, 0, spec.c_str(), value)), '\0');
    std::snprintf(out.data(), out.size() + 1, spec.c_str(), value);
#pragma GCC diagnostic pop
    return out;
}

/// %g with as many digits as needed to represent the number exactly; printf() would use six.
std::string shortest(Directive d, double value) {
    const auto written = [&](int digits) {
        d.precision = "." + std::to_string(digits);
        return printed(Directive{"", "", d.precision}, "e", value);
    };
    int digits = 0;
    while (digits < 16 && std::strtod(written(digits).c_str(), nullptr) != value) ++digits;
    const std::string text = written(digits);
    const auto e = text.find('e');
    const int exponent = e == text.npos ? 0 : std::atoi(text.c_str() + e + 1);
    if (exponent < -4 || exponent >= 6) return printed(d, "e", value);
    d.precision = "." + std::to_string(std::max(0, digits - exponent));
    return printed(d, "f", value);
}

/// Width and precision count characters; printf() would count bytes, and stop at a NUL.
std::string padded(const Directive& d, std::string_view text) {
    const auto number = [](std::string_view digits) {
        std::size_t out = 0;
        for (const char c : digits) out = out * 10 + static_cast<std::size_t>(c - '0');
        return out;
    };
    if (!d.precision.empty()) {
        std::size_t end = 0;
        for (std::size_t n = number(std::string_view(d.precision).substr(1));
             n > 0 && end < text.size(); --n)
            end += first_code_point(text.substr(end)).size;
        text = text.substr(0, end);
    }
    const std::size_t width = number(d.width), have = count_characters(text);
    const std::string blanks(width > have ? width - have : 0, ' ');
    const bool left = d.flags.find('-') != d.flags.npos;
    return left ? std::string(text) + blanks : blanks + std::string(text);
}

/// Writes digits that printf() cannot write, with the flags "0" and "-" and the width of printf().
std::string padded_number(Directive d, std::string digits) {
    d.precision.clear();
    const bool zeros = d.flags.find('0') != d.flags.npos && d.flags.find('-') == d.flags.npos;
    const std::size_t width = d.width.empty() ? 0 : std::stoul(d.width);
    if (zeros && width > digits.size())
        digits.insert(digits.front() == '-' ? 1 : 0, width - digits.size(), '0');
    return padded(d, digits);
}

std::int64_t integer(const Call& call, const Value& v, char verb) {
    if (v.is_integer()) return v.as_integer();
    if (v.is_number() && v.as_number() == std::floor(v.as_number()) &&
        std::abs(v.as_number()) < 9e15)
        return static_cast<std::int64_t>(v.as_number());
    throw call.mistake(fmt::format("%{} needs an integer, got {}",
                                   call.redacted(0, std::string(1, verb)), v.kind_name()));
}

std::string text(const Call& call, const Value& v, const Directive& d) {
    if (d.verb == 'v' && (v.is_list() || v.is_map() || v.is_null())) {
        return to_public_json(v);
    }
    if (v.is_list() || v.is_map() || v.is_null())
        throw call.mistake(fmt::format("%{} needs a scalar, got {}",
                                       call.redacted(0, std::string(1, d.verb)), v.kind_name()),
                           "%v accepts any value");
    return d.verb == 'q' ? to_public_json(scalar_text(v)) : scalar_text(v);
}

std::string format_one(const Call& call, const Value& v, const Directive& d) {
    switch (d.verb) {
    case 's':
    case 'q':
    case 'v': return padded(d, text(call, v, d));
    case 'd': return printed(d, "lld", static_cast<long long>(integer(call, v, 'd')));
    case 'b': return padded_number(d, fmt::format("{:b}", integer(call, v, 'b')));
    case 'x':
    case 'X':
    case 'o':
        return printed(d, std::string("ll") + d.verb,
                       static_cast<unsigned long long>(integer(call, v, d.verb)));
    case 't':
        if (!v.is_bool())
            throw call.mistake(fmt::format("%{} needs a boolean, got {}",
                                           call.redacted(0, std::string(1, d.verb)),
                                           v.kind_name()));
        return padded(d, scalar_text(v));
    case 'f':
    case 'e':
    case 'g':
        if (!v.is_number())
            throw call.mistake(fmt::format("%{} needs a number, got {}",
                                           call.redacted(0, std::string(1, d.verb)),
                                           v.kind_name()));
        if (d.verb == 'g' && d.precision.empty()) return shortest(d, v.as_number());
        return printed(d, std::string(1, d.verb), v.as_number());
    default:
        throw call.mistake(
            fmt::format("%{} is not supported", call.redacted(0, std::string(1, d.verb))),
            "supported: %s %d %b %f %e %g %q %v %t %x %X %o and %%");
    }
}

} // namespace

Value first(const Call& call) {
    PatternSearch found(call, 0, call.text(0), call.text(1));
    if (!found.next())
        throw call.mistake(
            fmt::format("{} does not match the text", call.quoted(0)),
            "use can(regex(...)) to test for a match, try(regex(...), \"\") for a default");
    return found.value();
}

Value all(const Call& call) {
    Value::List out;
    std::size_t made = 0; // each character of the text can match all groups
    for (PatternSearch found(call, 0, call.text(0), call.text(1)); found.next();) {
        out.push_back(found.value());
        call.check_size(made += out.back().weight());
    }
    return Value::list(std::move(out));
}

std::string replace(const Call& call, const std::string& text, const std::string& pattern,
                    const std::string& with) {
    const auto groups = static_cast<std::size_t>(std::count(with.begin(), with.end(), '$'));
    std::string out;
    std::size_t from = 0;
    for (PatternSearch found(call, 1, pattern, text); found.next(); from = found.end()) {
        call.check_size(out.size() + with.size() + groups * (found.end() - found.begin()));
        out.append(text, from, found.begin() - from).append(filled(with, found));
    }
    return out.append(text, from);
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
            throw call.mistake(fmt::format("the format needs more than {} values", next - 1));
        out += format_one(call, call[next++], d);
        call.check_size(out.size());
    }
    if (next != call.size())
        throw call.mistake(
            fmt::format("the format uses {} of {} values", next - 1, call.size() - 1));
    return out;
}

} // namespace hadeploy::pattern
