#include "planner/functions.h"

#include "core/text.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <fmt/format.h>

namespace hadeploy {

namespace {

Value to_number(const Call& call) {
    if (call[0].is_number() || call[0].is_null()) return call[0];
    if (!call[0].is_string())
        throw call.mistake(fmt::format("there is no number in {}", call[0].kind_name()));
    const std::string& text = call.text(0);
    const char* end = text.data() + text.size();
    std::int64_t integer = 0;
    const auto whole = std::from_chars(text.data(), end, integer);
    if (whole.ptr == end && whole.ec == std::errc()) return integer;
    double number = 0;
    const auto [at, error] = std::from_chars(text.data(), end, number);
    if (error != std::errc() || at != end || !std::isfinite(number))
        throw call.mistake(fmt::format("{} is not a number", in_quotes(text)));
    return number;
}

Value to_bool(const Call& call) {
    if (call[0].is_bool() || call[0].is_null()) return call[0];
    if (call[0].is_string() && (call.text(0) == "true" || call.text(0) == "false"))
        return call.text(0) == "true";
    throw call.mistake(fmt::format("only \"true\" and \"false\" are booleans, got {}",
                                   call[0].is_string() ? in_quotes(call.text(0))
                                                       : std::string(call[0].kind_name())));
}

Value to_list(const Call& call) {
    if (call[0].is_list()) return call[0];
    Value::List out;
    for (const Entry& e : call[0].as_map()) out.push_back(e.value);
    return Value::list(std::move(out));
}

Value to_map(const Call& call) {
    if (call[0].is_map()) return call[0];
    Value::Map out;
    for (const Value& pair : call[0].as_list()) {
        if (!pair.is_list() || pair.as_list().size() != 2 || !pair.as_list()[0].is_string())
            throw call.mistake("a list becomes a map when its items are [key, value]");
        out.push_back({pair.as_list()[0].as_string(), pair.as_list()[1]});
    }
    return Value::map(std::move(out));
}

Value to_set(const Call& call) {
    Value::List items = call[0].as_list();
    for (const Value& v : items)
        if (!v.is_string())
            throw call.mistake(fmt::format("a set has strings, got {}", v.kind_name()));
    std::sort(items.begin(), items.end(),
              [](const Value& a, const Value& b) { return a.as_string() < b.as_string(); });
    items.erase(std::unique(items.begin(), items.end()), items.end());
    return Value::list(std::move(items));
}

Value type_of(const Call& call) {
    const std::string_view name = call[0].kind_name();
    return name == "nothing" ? "null" : name.substr(name.find(' ') + 1);
}

} // namespace

FunctionGroup conversion_functions() {
    using enum Function::Looks;
    return {
        "Types and errors",
        {
            {"tostring", "value: scalar", "A scalar as text.", "tostring(8080)", R"("8080")",
             [](const Call& c) -> Value { return scalar_text(c[0]); }},
            {"tonumber", "value: any", "The number that a text spells.", R"(tonumber("1.5"))",
             "1.5", to_number},
            {"tobool", "value: any", "The boolean that a text spells.", R"(tobool("true"))", "true",
             to_bool},
            {"tolist", "value: list|map", "The values of a map, by their keys' order.",
             "tolist({b: 2, a: 1})", "[1, 2]", to_list, at_shape},
            {"tomap", "value: list|map", "A map of a list of `[key, value]`.",
             R"(tomap([["a", 1], ["b", 2]]))", R"({"a": 1, "b": 2})", to_map},
            {"toset", "items: list", "A list of strings sorted, each once.",
             R"(toset(["b", "a", "b"]))", R"(["a", "b"])", to_set},
            {"type", "value: any",
             "What it is: string, integer, number, boolean, list, map or null.", "type([1])",
             R"("list")", type_of, at_shape},
            {"sensitive", "value: any",
             "The value as a secret: never shown, and encrypted in the state. There is no way "
             "back.",
             R"(sensitive("x"))", R"({"$secret": "x"})",
             [](const Call& c) { return c[0].as_secret(); }, not_at_all},
            {"try", "values: any...", "The first of the values that can be had without an error.",
             R"(try({a: 1}.b, "none"))", R"("none")", nullptr, lazily},
            {"can", "value: any", "Whether the value can be had without an error.", "can({a: 1}.b)",
             "false", nullptr, lazily},
        }};
}

} // namespace hadeploy
