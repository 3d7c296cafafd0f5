#include "planner/lang/functions.h"

#include "core/value_json.h"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>
#include <set>

namespace hadeploy {

namespace {

/// The members of a set, identified by their JSON.
using Seen = std::set<std::string>;

Seen members(const Value& list) {
    Seen out;
    for (const Value& v : list.as_list()) out.insert(to_json(v));
    return out;
}

/// The elements that pass, each once, in order of first occurrence.
template<class Pass>
Value each_once(const Value::List& items, Pass pass) {
    Seen seen;
    Value::List out;
    for (const Value& v : items) {
        std::string key = to_json(v);
        if (pass(key) && seen.insert(std::move(key)).second) out.push_back(v);
    }
    return Value::list(std::move(out));
}

Value distinct(const Call& call) {
    return each_once(call[0].as_list(), [](const std::string&) { return true; });
}

Value united(const Call& call) {
    Value::List all;
    for (const Value& v : call.arguments)
        all.insert(all.end(), v.as_list().begin(), v.as_list().end());
    return each_once(all, [](const std::string&) { return true; });
}

Value intersected(const Call& call) {
    std::vector<Seen> others;
    for (std::size_t i = 1; i < call.size(); ++i) others.push_back(members(call[i]));
    return each_once(call[0].as_list(), [&](const std::string& key) {
        return std::all_of(others.begin(), others.end(),
                           [&](const Seen& s) { return s.contains(key); });
    });
}

Value subtracted(const Call& call) {
    const Seen without = members(call[1]);
    return each_once(call[0].as_list(),
                     [&](const std::string& key) { return !without.contains(key); });
}

Value product(const Call& call) {
    constexpr std::size_t kMost = 100'000;
    std::vector<Value::List> rows{{}};
    for (const Value& list : call.arguments) {
        if (rows.size() * list.as_list().size() > kMost)
            throw call.mistake(fmt::format("more than {} combinations", kMost));
        call.check_size(rows.size() * list.as_list().size() * call.size() * sizeof(Value));
        std::vector<Value::List> longer;
        for (const Value::List& row : rows)
            for (const Value& v : list.as_list()) {
                longer.push_back(row);
                longer.back().push_back(v);
            }
        rows = std::move(longer);
    }
    Value::List out;
    for (Value::List& row : rows) out.push_back(Value::list(std::move(row)));
    return Value::list(std::move(out));
}

/// Whether all (or any) elements are true. One element can decide the result while others are
/// unknown. Null counts as false.
Value booleans(const Call& call, bool all) {
    if (call[0].is_unknown()) return call[0];
    const bool secret = call[0].contains_secret();
    const auto result = [&](const Value& v) { return secret ? v.as_secret() : v; };
    bool unknown = false;
    for (const Value& v : call[0].as_list()) {
        unknown = unknown || v.is_unknown();
        if (v.is_unknown()) continue;
        const bool text = v.is_string() && (v.as_string() == "true" || v.as_string() == "false");
        if (!text && !v.is_bool() && !v.is_null())
            throw call.mistake(fmt::format("the list has {}: it needs booleans", v.kind_name()));
        const bool holds = text ? v.as_string() == "true" : v.is_bool() && v.as_bool();
        if (holds != all) return result(!all);
    }
    return result(unknown ? Value::unknown() : Value(all));
}

Value sum(const Call& call) {
    std::int64_t integers = 0;
    double numbers = 0;
    bool integral = true;
    for (const Value& v : call[0].as_list()) {
        if (!v.is_number())
            throw call.mistake(fmt::format("the list has {}: it needs numbers", v.kind_name()));
        numbers += v.as_number();
        integral = integral && v.is_integer();
        if (integral && __builtin_add_overflow(integers, v.as_integer(), &integers))
            throw call.mistake("the result does not fit in a 64-bit integer");
    }
    if (!std::isfinite(numbers)) throw call.mistake("the result is too large");
    return integral ? Value(integers) : Value(numbers);
}

} // namespace

FunctionGroup set_functions() {
    return {"Sets and sums",
            {
                {"distinct", "list: list", "The list without duplicates.", "distinct([1, 2, 1])",
                 "[1, 2]", distinct},
                {"setunion", "lists: list...", "The elements of all lists, without duplicates.",
                 "setunion([1, 2], [2, 3])", "[1, 2, 3]", united},
                {"setintersection", "list: list, others: list...",
                 "The elements that all lists contain.", "setintersection([1, 2], [2, 3])", "[2]",
                 intersected},
                {"setsubtract", "list: list, without: list",
                 "The elements of the first list that the second list does not contain.",
                 "setsubtract([1, 2], [2, 3])", "[1]", subtracted},
                {"setproduct", "lists: list...", "All combinations of one element from each list.",
                 R"(setproduct(["a", "b"], [1, 2]))", R"([["a", 1], ["a", 2], ["b", 1], ["b", 2]])",
                 product},
                {"alltrue", "list: list",
                 "Whether all elements are true, or \"true\"; true for an empty list.",
                 "alltrue([true, false])", "false", [](const Call& c) { return booleans(c, true); },
                 Function::Looks::for_itself},
                {"anytrue", "list: list", "Whether any element is true, or \"true\".",
                 "anytrue([true, false])", "true", [](const Call& c) { return booleans(c, false); },
                 Function::Looks::for_itself},
                {"sum", "list: list", "The sum of the elements.", "sum([1, 2, 3])", "6", sum},
            }};
}

} // namespace hadeploy
