#include "planner/yaml/yaml_advice.h"

#include <algorithm>
#include <array>
#include <fmt/format.h>
#include <yaml-cpp/exceptions.h>

namespace hadeploy {

namespace {

namespace msg = YAML::ErrorMsg;

struct Known {
    std::string_view reason, message, hint;
};

constexpr std::string_view kQuote =
    "a string that contains one of {}[], needs quotes here: \"...\"";

/// The parser's reasons for common mistakes in specs.
const std::array<Known, 9> kKnown{{
    {msg::END_OF_MAP_FLOW, "expected a , or a } after a value in { }", kQuote},
    {msg::END_OF_SEQ_FLOW, "expected a , or a ] after a value in [ ]", kQuote},
    {msg::END_OF_MAP, "expected another key of this map or its end",
     "all keys of one map begin in the same column"},
    {msg::END_OF_SEQ, "expected another \"- \" of this list or its end",
     "all elements of one list begin in the same column"},
    {msg::MAP_VALUE, "a \": \" where no value can begin",
     "a string that contains \": \" needs quotes; each key needs its own line"},
    {msg::BLOCK_ENTRY, "a \"- \" where no list can begin", "a list begins on a new line"},
    {msg::FLOW_END, "a ] or } without an opening bracket", kQuote},
    {msg::UNKNOWN_TOKEN, "unexpected character: a YAML value cannot begin like this",
     "a string that begins like this needs quotes: \"...\""},
    {msg::UNKNOWN_ANCHOR, "an alias of an anchor that is not defined above",
     "a string that begins with * needs quotes: \"...\""},
}};

/// The offset of the expression in which the parser stopped; npos if there is none.
std::size_t expression_around(std::string_view line, std::size_t column) {
    const std::string_view read = line.substr(0, column + 1);
    const std::size_t at = read.rfind("${");
    if (at == read.npos) return at;
    const std::string_view expression = read.substr(at);
    const auto opened = std::count(expression.begin(), expression.end(), '{');
    return opened > std::count(expression.begin(), expression.end(), '}') ? at : line.npos;
}

/// In a "..." scalar, a "..." string of an expression ends the scalar.
bool is_in_double_quotes(std::string_view line, std::size_t at) {
    return std::count(line.begin(), line.begin() + static_cast<std::ptrdiff_t>(at), '"') % 2 == 1;
}

/// Whether a line is indented further than the preceding line, which is complete.
bool is_indented_too_far(std::string_view text, std::size_t start) {
    const auto indentation = [](std::string_view line) { return line.find_first_not_of(' '); };
    const std::size_t own = indentation(text.substr(start));
    while (start > 0) {
        const std::size_t end = start - 1;
        const std::size_t before = end == 0 ? text.npos : text.rfind('\n', end - 1);
        start = before == text.npos ? 0 : before + 1;
        const std::string_view line = text.substr(start, end - start);
        const std::size_t at = indentation(line);
        if (at == line.npos || line[at] == '#') continue;
        return own != text.npos && own > at && !line.ends_with(':');
    }
    return false;
}

} // namespace

YamlAdvice yaml_advice(std::string_view reason, std::string_view text, std::size_t offset) {
    // some reasons end with a part of the text, which may be secret
    const std::string_view cause = reason.substr(0, reason.find(": "));
    YamlAdvice out{fmt::format("this is not valid YAML: {}", cause), ""};
    for (const Known& k : kKnown) {
        if (k.reason.substr(0, k.reason.find(": ")) != cause) continue;
        out = {fmt::format("this is not valid YAML: {}", k.message), std::string(k.hint)};
        break;
    }
    if (reason.starts_with(msg::INVALID_ESCAPE))
        out.hint = "in \"...\" a backslash is written \\\\; in '...' it is written unchanged";
    offset = std::min(offset, text.size());
    const std::size_t before = offset == 0 ? text.npos : text.rfind('\n', offset - 1);
    const std::size_t start = before == text.npos ? 0 : before + 1;
    const std::string_view line = text.substr(start, text.find('\n', start) - start);
    if (reason == msg::MAP_VALUE && is_indented_too_far(text, start))
        out.hint =
            "this line is indented further than the one before it: all keys of one map begin "
            "in the same column";
    const std::size_t expression = expression_around(line, offset - start);
    if (expression == line.npos) return out;
    out.hint =
        is_in_double_quotes(line, expression)
            ? "in \"...\" the strings of an expression are written '...'"
            : "an expression needs quotes within { } and [ ], and where it has a \": \" or a "
              "\" #\": \"${...}\"";
    return out;
}

} // namespace hadeploy
