#include "planner/lang/operators.h"

#include "core/error.h"

#include <cmath>
#include <fmt/format.h>
#include <limits>

namespace hadeploy {

namespace {

Error mistake(std::string message, Loc loc, std::string hint = {}) {
    return Error(ErrorKind::spec, std::move(message), loc).with_hint(std::move(hint));
}

Error overflow(std::string_view op, Loc loc) {
    return mistake(fmt::format("the result of {} does not fit in a 64-bit integer", op), loc);
}

Value finite(double n, std::string_view op, Loc loc) {
    if (!std::isfinite(n)) throw mistake(fmt::format("the result of {} is too large", op), loc);
    return n;
}

Value divide(std::int64_t a, std::int64_t b, Loc loc) {
    const bool most_negative = a == std::numeric_limits<std::int64_t>::min();
    if (most_negative && b == -1) throw overflow("/", loc);
    if (a % b == 0) return a / b;
    return static_cast<double>(a) / static_cast<double>(b);
}

Value of_integers(char op, std::int64_t a, std::int64_t b, Loc loc) {
    std::int64_t out = 0;
    bool over = false;
    switch (op) {
    case '+': over = __builtin_add_overflow(a, b, &out); break;
    case '-': over = __builtin_sub_overflow(a, b, &out); break;
    case '*': over = __builtin_mul_overflow(a, b, &out); break;
    case '%': out = b == -1 ? 0 : a % b; break;
    default: return divide(a, b, loc);
    }
    if (over) throw overflow(std::string_view(&op, 1), loc);
    return out;
}

Value of_numbers(char op, double a, double b) {
    switch (op) {
    case '+': return a + b;
    case '-': return a - b;
    case '*': return a * b;
    case '%': return std::fmod(a, b);
    default: return a / b;
    }
}

Value arithmetic(std::string_view op, const Value& a, const Value& b, Loc loc) {
    for (const Value* v : {&a, &b}) {
        if (v->is_number()) continue;
        const char* hint = op == "+" && v->is_string() ? "join strings like this: \"${a}${b}\""
                           : v->is_string()            ? "use tonumber(...) for a string"
                                                       : "";
        throw mistake(fmt::format("{} needs numbers, got {}", op, v->kind_name()), loc, hint);
    }
    if ((op == "/" || op == "%") && b.as_number() == 0) throw mistake("division by zero", loc);
    if (a.is_integer() && b.is_integer())
        return of_integers(op[0], a.as_integer(), b.as_integer(), loc);
    return finite(of_numbers(op[0], a.as_number(), b.as_number()).as_number(), op, loc);
}

Value comparison(std::string_view op, const Value& a, const Value& b, Loc loc) {
    for (const Value* v : {&a, &b})
        if (!v->is_number())
            throw mistake(fmt::format("{} compares numbers, got {}", op, v->kind_name()), loc,
                          v->is_string() ? "use tonumber(...) for a string" : "");
    const bool exact = a.is_integer() && b.is_integer();
    const bool less = exact ? a.as_integer() < b.as_integer() : a.as_number() < b.as_number();
    const bool same = a == b;
    if (op == "<") return less;
    if (op == "<=") return less || same;
    if (op == ">") return !less && !same;
    return !less;
}

} // namespace

Value apply_unary(std::string_view op, const Value& operand, Loc loc) {
    if (op == "!") {
        if (!operand.is_bool())
            throw mistake(fmt::format("! needs a boolean, got {}", operand.kind_name()), loc);
        return !operand.as_bool();
    }
    return arithmetic("-", Value(0), operand, loc);
}

Value apply_binary(std::string_view op, const Value& left, const Value& right, Loc loc) {
    if (op == "==") return left == right;
    if (op == "!=") return !(left == right);
    if (op[0] == '<' || op[0] == '>') return comparison(op, left, right, loc);
    return arithmetic(op, left, right, loc);
}

} // namespace hadeploy
