#include "planner/lang/functions.h"

#include "provider_api/normalize.h"
#include "provider_api/schema.h"
#include "provider_api/type_text.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <filesystem>
#include <fmt/format.h>

namespace hadeploy {

namespace {

Value to_number(const Call& call) {
    if (call[0].is_number() || call[0].is_null()) return call[0];
    if (!call[0].is_string())
        throw call.mistake(fmt::format("{} can't be converted to a number", call[0].kind_name()));
    const std::string& text = call.text(0);
    const char* end = text.data() + text.size();
    std::int64_t integer = 0;
    const auto whole = std::from_chars(text.data(), end, integer);
    if (whole.ptr == end && whole.ec == std::errc()) return integer;
    double number = 0;
    const auto [at, error] = std::from_chars(text.data(), end, number);
    if (error != std::errc() || at != end || !std::isfinite(number))
        throw call.mistake(fmt::format("{} is not a number", call.quoted(0)));
    return number;
}

Value to_bool(const Call& call) {
    if (call[0].is_bool() || call[0].is_null()) return call[0];
    if (call[0].is_string() && (call.text(0) == "true" || call.text(0) == "false"))
        return call.text(0) == "true";
    throw call.mistake(
        fmt::format("only \"true\" and \"false\" are booleans, got {}",
                    call[0].is_string() ? call.quoted(0) : std::string(call[0].kind_name())));
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
            throw call.mistake("the items of the list must be [key, value]");
        out.push_back({pair.as_list()[0].as_string(), pair.as_list()[1]});
    }
    return Value::map(std::move(out));
}

Value to_set(const Call& call) {
    Value::List items = call[0].as_list();
    for (const Value& v : items)
        if (!v.is_string())
            throw call.mistake(fmt::format("a set contains strings, got {}", v.kind_name()));
    std::sort(items.begin(), items.end(),
              [](const Value& a, const Value& b) { return a.as_string() < b.as_string(); });
    items.erase(std::unique(items.begin(), items.end()), items.end());
    return Value::list(std::move(items));
}

Value is_secret(const Call& call) {
    if (call[0].contains_secret()) return true;
    return call[0].contains_unknown() ? Value::unknown() : Value(false);
}

/// Converts a scalar to the kind of a type, if its text has that form.
Value scalar_as(TypeKind kind, const Value& v, const Call& call) {
    const Call one{call.function, {v}, call.loc, call.names};
    switch (kind) {
    case TypeKind::string: return v.is_number() || v.is_bool() ? Value(scalar_text(v)) : v;
    case TypeKind::boolean: return v.is_string() ? to_bool(one) : v;
    case TypeKind::integer:
    case TypeKind::port:
    case TypeKind::number: return v.is_string() ? to_number(one) : v;
    default: return v;
    }
}

/// Converts the scalars within a value to the scalars of a type. Values of any other kind that do
/// not fit the type are unchanged.
Value scalars_as(const Type& type, const Value& v, const Call& call) {
    Value out = v;
    const auto inner_as = [&](const Type& inner, const Value& part) { // as secret as the whole
        return scalars_as(inner, v.secret() ? part.as_secret() : part, call);
    };
    if (v.is_list() && type.element) {
        Value::List items = v.as_list();
        for (Value& item : items) item = inner_as(*type.element, item);
        out = Value::list(std::move(items));
    } else if (v.is_map()) {
        Value::Map entries = v.as_map();
        for (Entry& e : entries) {
            const Attribute* field = type.fields ? find_attribute(*type.fields, e.key) : nullptr;
            const Type* inner = field != nullptr ? &field->type : type.element.get();
            if (inner != nullptr) e.value = inner_as(*inner, e.value);
        }
        out = Value::map(std::move(entries));
    } else if (!v.is_unknown() && !v.is_null()) {
        out = scalar_as(type.kind, v, call);
    }
    return (v.secret() ? out.as_secret() : out).at(v.loc());
}

Value converted(const Call& call) {
    if (call[1].is_unknown()) return call[1];
    Type type;
    try {
        type = parse_type(call[1]);
    } catch (const Error& error) {
        throw call.passed_on(1, error.message, error.hint);
    }
    const BaseDirectory base = [&](Loc, bool) {
        std::size_t used = 0;
        const Value directory = call.names.resolve("path", {Value("module")}, call.loc, used);
        return std::filesystem::current_path() / directory.as_string();
    };
    Diagnostics diagnostics;
    const Value out = normalize(Attribute{.type = type}, scalars_as(type, call[0], call),
                                "the value", base, diagnostics);
    if (diagnostics.empty()) return out;
    const Error& first = diagnostics.list().front();
    throw call.mistake(first.message, first.hint);
}

Value type_name_of(const Call& call) {
    const std::string_view name = call[0].kind_name();
    return name == "nothing" ? "null" : name.substr(name.find(' ') + 1);
}

} // namespace

FunctionGroup conversion_functions() {
    using enum Function::Looks;
    return {
        "Types and errors",
        {
            {"tostring", "value: scalar|null", "A scalar as text; null stays null.",
             "tostring(8080)", R"("8080")",
             [](const Call& c) -> Value { return c[0].is_null() ? c[0] : scalar_text(c[0]); }},
            {"tonumber", "value: any", "The number written in a text.", R"(tonumber("1.5"))", "1.5",
             to_number},
            {"tobool", "value: any", "The boolean written in a text.", R"(tobool("true"))", "true",
             to_bool},
            {"tolist", "value: list|map", "The values of a map, in the order of their keys.",
             "tolist({b: 2, a: 1})", "[1, 2]", to_list, at_shape},
            {"tomap", "value: list|map", "A map from a list of `[key, value]`.",
             R"(tomap([["a", 1], ["b", 2]]))", R"({"a": 1, "b": 2})", to_map},
            {"toset", "items: list", "The strings of a list, sorted and without duplicates.",
             R"(toset(["b", "a", "b"]))", R"(["a", "b"])", to_set},
            {"type", "value: any",
             "The type of the value: string, integer, number, boolean, list, map or null.",
             "type([1])", R"("list")", type_name_of, at_shape},
            {"sensitive", "value: any",
             "The value as a secret: never shown, and encrypted in the state.", R"(sensitive("x"))",
             R"({"$secret": "x"})", [](const Call& c) { return c[0].as_secret(); }, for_itself},
            {"nonsensitive", "value: any",
             "The value of a secret, no longer marked as secret: it is shown in plans and outputs "
             "and kept unencrypted in the state. Use it only for values that do not reveal the "
             "secret, such as the keys of a secret map. Secrets within the value stay secret.",
             R"(nonsensitive(keys(sensitive({a: "x"}))))", R"(["a"])",
             [](const Call& c) { return c[0].as_open(); }, for_itself},
            {"issensitive", "value: any", "Whether the value is a secret, or contains one.",
             R"([issensitive(sensitive("x")), issensitive("x")])", "[true, false]", is_secret,
             for_itself},
            {"convert", "value: any, type: string",
             "The value converted to a type, which is written as for a variable. Converts texts to "
             "numbers or booleans and the reverse, including texts within lists, maps and objects.",
             R"x(convert({port: "80", tags: [1]}, "object({port: port, tags: list(string)})"))x",
             R"({"port": 80, "tags": ["1"]})", converted, at_shape},
            {"try", "values: any...",
             "The first of the values that can be evaluated without an error.",
             R"(try({a: 1}.b, "none"))", R"("none")", nullptr, lazily},
            {"can", "value: any", "Whether the value can be evaluated without an error.",
             "can({a: 1}.b)", "false", nullptr, lazily},
        }};
}

} // namespace hadeploy
