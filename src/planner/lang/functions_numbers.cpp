#include "planner/lang/functions.h"

#include <charconv>
#include <cmath>
#include <fmt/format.h>

namespace hadeploy {

namespace {

/// Converts a number to an integer if it is one and fits.
Value whole(const Call& call, double n) {
    if (!std::isfinite(n)) throw call.mistake("the result is too large");
    if (n == std::floor(n) && std::abs(n) < 9.2e18) return static_cast<std::int64_t>(n);
    return n;
}

template<double (*Round)(double)>
Value rounded(const Call& call) {
    return call[0].is_integer() ? call[0] : whole(call, Round(call[0].as_number()));
}

Value extreme(const Call& call, bool largest) {
    const Value::List items =
        call.size() == 1 && call[0].is_list() ? call[0].as_list() : call.arguments;
    const Value* best = nullptr;
    for (const Value& v : items) {
        if (!v.is_number()) throw call.mistake(fmt::format("needs numbers, got {}", v.kind_name()));
        const bool better = best == nullptr || (largest ? v.as_number() > best->as_number()
                                                        : v.as_number() < best->as_number());
        if (better) best = &v;
    }
    if (best == nullptr) throw call.mistake("the list is empty");
    return *best;
}

Value absolute(const Call& call) {
    if (!call[0].is_integer()) return std::abs(call[0].as_number());
    std::int64_t out = 0;
    const std::int64_t n = call[0].as_integer();
    if (n < 0 && __builtin_sub_overflow(0, n, &out))
        throw call.mistake("the result does not fit in a 64-bit integer");
    return n < 0 ? out : n;
}

Value logarithm(const Call& call) {
    const double n = call[0].as_number(), base = call[1].as_number();
    if (n <= 0 || base <= 0 || base == 1)
        throw call.mistake("the value must be above 0, and the base above 0 and not 1");
    return whole(call, std::log(n) / std::log(base));
}

Value sign(const Call& call) {
    const double n = call[0].as_number();
    return n < 0 ? -1 : n > 0 ? 1 : 0;
}

Value parse_integer(const Call& call) {
    const std::string& text = call.text(0);
    const std::int64_t base = call.size() > 1 ? call[1].as_integer() : 10;
    if (base < 2 || base > 36) throw call.mistake("base: must be from 2 to 36");
    std::int64_t n = 0;
    const char* end = text.data() + text.size();
    const auto [at, error] = std::from_chars(text.data(), end, n, static_cast<int>(base));
    if (error == std::errc::result_out_of_range)
        throw call.mistake(fmt::format("{} does not fit in a 64-bit integer", call.quoted(0)));
    if (error != std::errc() || at != end)
        throw call.mistake(fmt::format("{} is not an integer in base {}", call.quoted(0),
                                       call.size() > 1 ? call.redacted(1) : "10"));
    return n;
}

} // namespace

FunctionGroup number_functions() {
    return {
        "Numbers",
        {
            {"min", "values: number|list...",
             "The smallest of the numbers, or of a list of numbers.", "min(3, 1, 2)", "1",
             [](const Call& c) { return extreme(c, false); }},
            {"max", "values: number|list...",
             "The largest of the numbers, or of a list of numbers.", "max([3, 1, 2])", "3",
             [](const Call& c) { return extreme(c, true); }},
            {"abs", "value: number", "The absolute value of the number.", "abs(-3)", "3", absolute},
            {"ceil", "value: number", "The number rounded up to an integer.", "ceil(7 / 2)", "4",
             rounded<std::ceil>},
            {"floor", "value: number", "The number rounded down to an integer.", "floor(7 / 2)",
             "3", rounded<std::floor>},
            {"round", "value: number", "The nearest integer; halves are rounded away from zero.",
             "round(2.5)", "3", rounded<std::round>},
            {"pow", "base: number, exponent: number", "The base raised to the exponent.",
             "pow(2, 10)", "1024",
             [](const Call& c) { return whole(c, std::pow(c[0].as_number(), c[1].as_number())); }},
            {"log", "value: number, base: number", "The logarithm of the value to the base.",
             "log(8, 2)", "3", logarithm},
            {"signum", "value: number", "The sign of the number: -1, 0 or 1.", "signum(-5)", "-1",
             sign},
            {"parseint", "text: string, base: integer?",
             "The integer written in a text, in the given base (default 10).",
             R"(parseint("ff", 16))", "255", parse_integer},
        }};
}

} // namespace hadeploy
