#include "planner/lang/functions.h"

#include "core/text.h"

#include <algorithm>
#include <fmt/format.h>
#include <map>

namespace hadeploy {

namespace {

Value keys(const Call& call) {
    Value::List out;
    for (const Entry& e : call[0].as_map()) out.push_back(e.key);
    return Value::list(std::move(out));
}

Value values(const Call& call) {
    Value::List out;
    for (const Entry& e : call[0].as_map()) out.push_back(e.value);
    return Value::list(std::move(out));
}

Value length(const Call& call) {
    const Value& v = call[0];
    const std::size_t n = v.is_map()    ? v.as_map().size()
                          : v.is_list() ? v.as_list().size()
                                        : count_characters(v.as_string());
    return static_cast<std::int64_t>(n);
}

Value merge(const Call& call) {
    Value::Map out;
    for (const Value& v : call.arguments)
        if (!v.is_null()) out.insert(out.end(), v.as_map().begin(), v.as_map().end());
    return Value::map(std::move(out)); // of two entries with the same key the later one is kept
}

Value concat(const Call& call) {
    Value::List out;
    for (const Value& v : call.arguments)
        out.insert(out.end(), v.as_list().begin(), v.as_list().end());
    return Value::list(std::move(out));
}

void flatten_into(const Value::List& items, Value::List& out) {
    for (const Value& v : items)
        if (v.is_list())
            flatten_into(v.as_list(), out);
        else
            out.push_back(v);
}

Value flatten(const Call& call) {
    Value::List out;
    flatten_into(call[0].as_list(), out);
    return Value::list(std::move(out));
}

Value sorted(const Call& call) {
    Value::List items = call[0].as_list();
    const bool numbers = !items.empty() && items[0].is_number();
    for (const Value& v : items)
        if (numbers ? !v.is_number() : !v.is_string())
            throw call.mistake("the list must contain only strings or only numbers");
    std::stable_sort(items.begin(), items.end(), [&](const Value& a, const Value& b) {
        return numbers ? a.as_number() < b.as_number() : a.as_string() < b.as_string();
    });
    return Value::list(std::move(items));
}

Value reversed(const Call& call) {
    Value::List items = call[0].as_list();
    std::reverse(items.begin(), items.end());
    return Value::list(std::move(items));
}

Value contains(const Call& call) {
    const Value::List& items = call[0].as_list();
    return std::find(items.begin(), items.end(), call[1]) != items.end();
}

Value lookup(const Call& call) {
    if (call[1].is_unknown()) return call[1];
    if (const Value* found = call[0].find(call.text(1))) return *found;
    if (call.size() > 2) return call[2];
    throw call.mistake(fmt::format("the map has no {}", call.quoted(1)),
                       "a third argument is the default");
}

/// The index wraps around: the first element follows the last one.
Value element(const Call& call) {
    const Value::List& items = call[0].as_list();
    if (items.empty()) throw call.mistake("the list is empty");
    const auto size = static_cast<std::int64_t>(items.size());
    const std::int64_t index = call[1].as_integer() % size;
    return items[static_cast<std::size_t>(index < 0 ? index + size : index)];
}

Value slice(const Call& call) {
    const Value::List& items = call[0].as_list();
    const auto size = static_cast<std::int64_t>(items.size());
    const std::int64_t from = call[1].as_integer();
    const std::int64_t to = call.size() > 2 ? call[2].as_integer() : size;
    if (from < 0 || to < from || to > size)
        throw call.mistake(
            fmt::format("there is no slice from {} to {} in a list of {}", call.redacted(1),
                        call.size() > 2 ? call.redacted(2) : std::to_string(size), size));
    return Value::list({items.begin() + from, items.begin() + to});
}

Value zipmap(const Call& call) {
    const Value::List &names = call[0].as_list(), &items = call[1].as_list();
    if (names.size() != items.size())
        throw call.mistake(
            fmt::format("the lists have {} keys and {} values", names.size(), items.size()));
    Value::Map out;
    bool secret = false; // a single key cannot be secret
    for (std::size_t i = 0; i < names.size(); ++i) {
        if (names[i].is_unknown()) return names[i];
        secret = secret || names[i].secret();
        if (!names[i].is_string())
            throw call.mistake(fmt::format("a key is a string, not {}", names[i].kind_name()),
                               names[i].is_null() ? "remove it with compact()"
                                                  : "use [for k in ...: tostring(k)]");
        out.push_back({names[i].as_string(), items[i]});
    }
    const Value map = Value::map(std::move(out));
    return secret ? map.as_secret() : map;
}

Value range(const Call& call) {
    constexpr std::int64_t kMost = 100'000;
    const std::int64_t from = call.size() > 1 ? call[0].as_integer() : 0;
    const std::int64_t to = call.size() > 1 ? call[1].as_integer() : call[0].as_integer();
    const std::int64_t step = call.size() > 2 ? call[2].as_integer() : to < from ? -1 : 1;
    if (step == 0) throw call.mistake("step: must not be 0");
    Value::List out;
    for (std::int64_t n = from; step > 0 ? n < to : n > to;) {
        if (out.size() == kMost) throw call.mistake(fmt::format("more than {} numbers", kMost));
        out.push_back(n);
        if (__builtin_add_overflow(n, step, &n)) break;
    }
    return Value::list(std::move(out));
}

Value compact(const Call& call) {
    Value::List items = call[0].as_list();
    std::erase_if(items, [](const Value& v) {
        return v.is_null() || (v.is_string() && v.as_string().empty());
    });
    return Value::list(std::move(items));
}

Value coalesce(const Call& call) {
    for (const Value& v : call.arguments)
        if (!v.is_null() && !(v.is_string() && v.as_string().empty())) return v;
    throw call.mistake("all of the values are null or empty");
}

Value coalesce_lists(const Call& call) {
    for (const Value& v : call.arguments)
        if (!v.as_list().empty()) return v;
    throw call.mistake("all of the lists are empty");
}

/// When they are compared with a string, numbers and booleans are converted to strings.
bool same_key(const Value& a, const Value& b) {
    if (a == b) return true;
    const auto is_scalar = [](const Value& v) {
        return v.is_string() || v.is_number() || v.is_bool();
    };
    return (a.is_string() || b.is_string()) && is_scalar(a) && is_scalar(b) &&
           scalar_text(a) == scalar_text(b);
}

Value matching(const Call& call) {
    const Value::List &items = call[0].as_list(), &names = call[1].as_list(),
                      &wanted = call[2].as_list();
    if (items.size() != names.size())
        throw call.mistake(
            fmt::format("the lists have {} values and {} keys", items.size(), names.size()));
    Value::List out;
    for (std::size_t i = 0; i < items.size(); ++i)
        if (std::any_of(wanted.begin(), wanted.end(),
                        [&](const Value& key) { return same_key(key, names[i]); }))
            out.push_back(items[i]);
    return Value::list(std::move(out));
}

Value transposed(const Call& call) {
    std::map<std::string, Value::List> by_text;
    for (const Entry& e : call[0].as_map()) {
        if (!e.value.is_list())
            throw call.mistake(fmt::format("{}: expected a list of strings, got {}",
                                           call.quoted(0, e.key), e.value.kind_name()));
        for (const Value& v : e.value.as_list()) {
            if (!v.is_string())
                throw call.mistake(
                    fmt::format("{}: expected a list of strings, got a list that contains {}",
                                call.quoted(0, e.key), v.kind_name()));
            by_text[v.as_string()].push_back(e.key);
        }
    }
    Value::Map out;
    for (auto& [text, keys] : by_text) out.push_back({text, Value::list(std::move(keys))});
    return Value::map(std::move(out));
}

Value one(const Call& call) {
    const Value::List& items = call[0].as_list();
    if (items.size() > 1)
        throw call.mistake(fmt::format("expected one element at most, got {}", items.size()));
    return items.empty() ? Value() : items.front();
}

Value item_index(const Call& call) {
    const Value::List& items = call[0].as_list();
    const auto it = std::find(items.begin(), items.end(), call[1]);
    if (it == items.end()) throw call.mistake("the list does not contain the value");
    return static_cast<std::int64_t>(it - items.begin());
}

Value chunks(const Call& call) {
    const Value::List& items = call[0].as_list();
    const std::int64_t size = call[1].as_integer();
    if (size < 1) throw call.mistake("size: must be at least 1");
    Value::List out;
    for (std::size_t from = 0; from < items.size();) {
        const std::size_t to = from + std::min(items.size() - from, static_cast<std::size_t>(size));
        out.push_back(Value::list({items.begin() + static_cast<std::ptrdiff_t>(from),
                                   items.begin() + static_cast<std::ptrdiff_t>(to)}));
        from = to;
    }
    return Value::list(std::move(out));
}

} // namespace

FunctionGroup collection_functions() {
    using enum Function::Looks;
    return {
        "Lists and maps",
        {
            {"keys", "map: map", "The keys of a map, sorted.", "keys({b: 1, a: 2})",
             R"(["a", "b"])", keys, at_shape},
            {"values", "map: map", "The values of a map, in the order of their keys.",
             "values({b: 1, a: 2})", "[2, 1]", values, at_shape},
            {"length", "value: list|map|string", "The number of elements, entries or characters.",
             "length([1, 2])", "2", length, at_shape},
            {"merge", "maps: map|null...",
             "Merges maps; of several entries with the same key the last one is kept. Nulls count "
             "as empty maps.",
             "merge({a: 1, b: 1}, {b: 2})", R"({"a": 1, "b": 2})", merge, at_shape},
            {"concat", "lists: list...", "The lists joined into one.", "concat([1], [2, 3])",
             "[1, 2, 3]", concat, at_shape},
            {"flatten", "list: list", "The list with nested lists replaced by their elements.",
             "flatten([1, [2, [3]]])", "[1, 2, 3]", flatten},
            {"sort", "list: list", "The list sorted: strings by bytes, numbers by value.",
             R"(sort(["b", "a"]))", R"(["a", "b"])", sorted},
            {"reverse", "list: list", "The list in reverse order.", "reverse([1, 2, 3])",
             "[3, 2, 1]", reversed, at_shape},
            {"contains", "list: list, value: any", "Whether the list contains the value.",
             R"(contains(["a", "b"], "b"))", "true", contains},
            {"index", "list: list, value: any",
             "The index of the value in the list; an error if the list does not contain it.",
             R"(index(["a", "b"], "b"))", "1", item_index},
            {"lookup", "map: map, key: string, default: any?",
             "The value of the key in the map, or the default.", R"(lookup({a: 1}, "b", 0))", "0",
             lookup, at_shape},
            {"element", "list: list, index: integer",
             "The element at an index, which wraps around at the end of the list.",
             R"(element(["a", "b"], 3))", R"("b")", element, at_shape},
            {"slice", "list: list, from: integer, to: integer?",
             "The elements from one index up to, but not including, another.",
             "slice([1, 2, 3, 4], 1, 3)", "[2, 3]", slice, at_shape},
            {"chunklist", "list: list, size: integer",
             "The list split into lists of the given size.", "chunklist([1, 2, 3], 2)",
             "[[1, 2], [3]]", chunks, at_shape},
            {"zipmap", "keys: list, values: list",
             "A map from a list of keys and a list of values.", R"(zipmap(["a", "b"], [1, 2]))",
             R"({"a": 1, "b": 2})", zipmap, at_shape},
            {"range", "from: integer, to: integer?, step: integer?",
             "The integers from one up to, but not including, another; with one argument from 0.",
             "range(1, 4)", "[1, 2, 3]", range},
            {"compact", "list: list", "The list without nulls and empty strings.",
             R"(compact(["a", "", null]))", R"(["a"])", compact},
            {"coalesce", "values: any...",
             "The first value that is neither null nor an empty string.",
             R"(coalesce(null, "", "a"))", R"("a")", coalesce},
            {"coalescelist", "lists: list...", "The first list that is not empty.",
             R"(coalescelist([], ["a"]))", R"(["a"])", coalesce_lists, at_shape},
            {"matchkeys", "values: list, keys: list, wanted: list",
             "The values at the indexes where `keys` has a key that `wanted` contains.",
             R"(matchkeys(["i-1", "i-2"], ["web", "db"], ["db"]))", R"(["i-2"])", matching},
            {"transpose", "map: map",
             "A map of lists of strings transposed: for each string the keys whose lists contain "
             "it.",
             R"(transpose({ann: ["ops"], bob: ["dev", "ops"]}))",
             R"({"dev": ["bob"], "ops": ["ann", "bob"]})", transposed},
            {"one", "list: list", "The only element of a list; null for an empty list.",
             R"(one(["a"]))", R"("a")", one, at_shape},
        }};
}

} // namespace hadeploy
