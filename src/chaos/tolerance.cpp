#include "chaos/tolerance.h"

#include "core/secrecy.h"
#include "core/text.h"
#include "core/value_json.h"
#include "provider_api/normalize.h"

#include <algorithm>
#include <cstdlib>
#include <fmt/format.h>
#include <optional>
#include <re2/re2.h>

namespace hadeploy::chaos {

namespace {

/// One step of a JSON path.
struct PathStep {
    std::string key;               ///< of a map
    std::optional<std::size_t> at; ///< index in a list
    bool all = false;              ///< every entry of a list or a map
};

/// Parses the part of JSON path that names values: $.a, $['a'], [0], [*], .*
/// @returns nothing for anything else, such as filters
std::optional<std::vector<PathStep>> parse_path(std::string_view path) {
    std::vector<PathStep> out;
    if (!path.starts_with('$')) return std::nullopt;
    path.remove_prefix(1);
    while (!path.empty()) {
        const bool dotted = path.front() == '.';
        if (!dotted && path.front() != '[') return std::nullopt;
        path.remove_prefix(1);
        const std::size_t end =
            dotted ? std::min(path.find_first_of(".["), path.size()) : path.find(']');
        if (end == path.npos || end == 0) return std::nullopt;
        const std::string_view step = path.substr(0, end);
        path.remove_prefix(dotted ? end : end + 1);
        const bool quoted = !dotted && step.size() > 2 && step.front() == step.back() &&
                            (step.front() == '\'' || step.front() == '"');
        if (step == "*")
            out.push_back({.all = true});
        else if (quoted)
            out.push_back({.key = std::string(step.substr(1, step.size() - 2))});
        else if (dotted && step.find_first_of("()?@*'\" ") == step.npos)
            out.push_back({.key = std::string(step)});
        else if (!dotted && step.size() < 10 && step.find_first_not_of("0123456789") == step.npos)
            out.push_back({.at = std::stoul(std::string(step))});
        else
            return std::nullopt;
    }
    return out;
}

std::vector<Value> values_at(const std::vector<PathStep>& path, const Value& root) {
    std::vector<Value> found{root};
    for (const PathStep& step : path) {
        std::vector<Value> next;
        for (const Value& v : found) {
            if (step.all && v.is_list())
                next.insert(next.end(), v.as_list().begin(), v.as_list().end());
            else if (step.all && v.is_map())
                for (const Entry& e : v.as_map()) next.push_back(e.value);
            else if (step.at && v.is_list() && *step.at < v.as_list().size())
                next.push_back(v.as_list()[*step.at]);
            else if (!step.all && !step.at && v.has(step.key))
                next.push_back(v[step.key]);
        }
        found = std::move(next);
    }
    return found;
}

std::string shown(const Value& value) {
    if (value.is_number() || value.is_bool()) return display(value);
    return quoted(value, 60);
}

/// The part of a result that `target` names; the whole result without one.
const Value& targeted(const Value& tolerance, const Value& result) {
    const Value* part = result.find(tolerance.text("target"));
    return part == nullptr ? result : *part;
}

std::optional<double> number_of(const Value& value) {
    if (value.is_number()) return value.as_number();
    if (!value.is_string()) return std::nullopt;
    const std::string& text = value.as_string();
    char* end = nullptr;
    const double number = std::strtod(text.c_str(), &end);
    const std::string_view rest(end);
    const bool whole = end != text.c_str() && rest.find_first_not_of(" \t\r\n") == rest.npos;
    return whole ? std::optional(number) : std::nullopt;
}

std::string outside(const Value::List& range, const Value& value) {
    const auto number = number_of(value);
    if (number && *number >= range[0].as_number() && *number <= range[1].as_number()) return "";
    return fmt::format("{} is not between {} and {}", shown(value), display(range[0]),
                       display(range[1]));
}

std::string no_match(const Value& tolerance, const Value& result) {
    const Value& value = targeted(tolerance, result);
    const std::string text = value.is_string() ? value.as_string() : display(value);
    const std::string pattern = tolerance.text("pattern");
    if (re2::RE2::PartialMatch(text, re2::RE2(pattern, re2::RE2::Quiet))) return "";
    return fmt::format("{} does not match {}", in_quotes(text, 60), in_quotes(pattern, 60));
}

std::string wrong_json(const Value& tolerance, const Value& result) {
    Value value = targeted(tolerance, result);
    if (value.is_string()) {
        try {
            value = from_foreign_json(value.as_string());
        } catch (const Error& error) {
            return error.message;
        }
    }
    const std::string path = tolerance.text("path");
    const std::vector<Value> found = values_at(*parse_path(path), value);
    if (const Value* expect = tolerance.find("expect"); expect != nullptr && !expect->is_null()) {
        const Value::List wanted = expect->is_list() ? expect->as_list() : Value::List{*expect};
        if (found == wanted) return "";
        return fmt::format("{} is {}, not {}", path, shown(Value::list(found)),
                           shown(Value::list(wanted)));
    }
    const Value& count = tolerance["count"];
    if (count.is_integer()) {
        if (found.size() == static_cast<std::size_t>(count.as_integer())) return "";
        return fmt::format("{} has {} values, not {}", path, found.size(), count.as_integer());
    }
    return found.empty() ? path + " has no value" : "";
}

const Schema& map_schema(std::string_view type) {
    const Attribute kind{.name = "type", .type = TypeKind::string, .required = true};
    const Attribute target{
        .name = "target", .type = TypeKind::string, .doc = "part of the result: body, stdout, ..."};
    static const Schema regex{kind,
                              {.name = "pattern",
                               .type = TypeKind::string,
                               .doc = "a regular expression",
                               .required = true},
                              target};
    static const Schema jsonpath{
        kind,
        {.name = "path", .type = TypeKind::string, .doc = "such as $.a.b[0]", .required = true},
        {.name = "expect", .doc = "the values that the path finds"},
        {.name = "count", .type = TypeKind::integer, .doc = "number of values", .min = 0},
        target};
    static const Schema range{kind,
                              {.name = "range",
                               .type = list_of(TypeKind::number),
                               .doc = "the smallest and the largest number",
                               .required = true,
                               .min = 2,
                               .max = 2},
                              target};
    return type == "regex" ? regex : type == "jsonpath" ? jsonpath : range;
}

void check_contents(const std::string& type, const Value& tolerance, Diagnostics& diagnostics) {
    if (type == "regex") {
        const re2::RE2 pattern(tolerance.text("pattern"), re2::RE2::Quiet);
        if (!pattern.ok())
            diagnostics
                .add("tolerance: invalid regular expression: " + pattern.error(),
                     tolerance["pattern"].loc())
                .with_hint(
                    "the syntax is that of RE2, which has no lookahead and no backreferences");
    } else if (type == "jsonpath" && !parse_path(tolerance.text("path"))) {
        diagnostics
            .add(fmt::format("tolerance: {} is not a supported JSON path",
                             in_quotes(tolerance.text("path"))),
                 tolerance["path"].loc())
            .with_hint("supported: $.name, $['name'], [0], [*] and combinations; no filters");
    } else if (type == "range") {
        const Value::List& range = tolerance["range"].as_list();
        if (range[0].as_number() > range[1].as_number())
            diagnostics
                .add("tolerance: the range is empty: its first number is greater than the second",
                     range[0].loc())
                .with_hint("write the smaller number first");
    }
}

} // namespace

void check_tolerance(const Value& tolerance, Diagnostics& diagnostics) {
    if (tolerance.is_null()) {
        diagnostics.add("tolerance: expected a value, got nothing", tolerance.loc());
    } else if (tolerance.is_list() && tolerance.as_list().empty()) {
        diagnostics.add("tolerance: the list is empty, so no result is within it", tolerance.loc())
            .with_hint("write the accepted results, or the limits of a range");
    } else if (tolerance.is_map()) {
        const Value& type = tolerance["type"];
        if (type.is_string() && type.as_string() == "probe") {
            diagnostics
                .add("tolerance: the type probe cannot be used: it runs Python code", type.loc())
                .with_hint("use regex, jsonpath or range, or let a process probe decide with its "
                           "exit status");
            return;
        }
        const Attribute kind{.name = "type",
                             .type = TypeKind::string,
                             .required = true,
                             .one_of = {"regex", "jsonpath", "range"}};
        const std::size_t before = diagnostics.list().size();
        if (type.is_null())
            diagnostics.add("tolerance: missing \"type\" (string)", tolerance.loc())
                .with_hint("one of: regex, jsonpath, range");
        else
            normalize(kind, type, "tolerance: type", {}, diagnostics);
        if (diagnostics.list().size() != before) return;
        const Value checked = normalize(map_schema(type.as_string()), tolerance, "tolerance",
                                        tolerance.loc(), {}, diagnostics);
        if (diagnostics.list().size() == before)
            check_contents(type.as_string(), checked, diagnostics);
    }
}

std::string intolerable(const Value& tolerance, const Value& result) {
    if (tolerance.is_map()) {
        const std::string type = tolerance.text("type");
        if (type == "regex") return no_match(tolerance, result);
        if (type == "jsonpath") return wrong_json(tolerance, result);
        return outside(tolerance["range"].as_list(), targeted(tolerance, result));
    }
    const Value* status = result.find("status");
    const Value& value = status == nullptr ? result : *status;
    if (tolerance.is_list()) {
        const Value::List& list = tolerance.as_list();
        const bool range =
            status == nullptr && list.size() == 2 && list[0].is_number() && list[1].is_number();
        if (range) return outside(list, value);
        if (std::find(list.begin(), list.end(), value) != list.end()) return "";
        return fmt::format("{} is not one of {}", shown(value), shown(tolerance));
    }
    if (value == tolerance) return "";
    return fmt::format("{}{} instead of {}", status == nullptr ? "" : "status ", shown(value),
                       shown(tolerance));
}

} // namespace hadeploy::chaos
