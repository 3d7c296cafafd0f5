#include "planner/graph/instances.h"

#include "core/text.h"
#include "planner/spec/references.h"
#include "provider_api/bare_reference.h"

#include <algorithm>
#include <fmt/format.h>

namespace hadeploy {

namespace {

constexpr std::size_t kMostInstances = 100'000;

Error refusal(Loc where, std::string message, std::string hint) {
    return Error(ErrorKind::spec, std::move(message), where).with_hint(std::move(hint));
}

/// Whether the expression depends on a data source.
bool from_data(const Expr& where) {
    const std::vector<Reference> all = references_in(where);
    return std::any_of(all.begin(), all.end(), [](const Reference& r) { return r.name == "data"; });
}

std::vector<std::string> listed_names(const Value::List& items, Loc where) {
    std::vector<std::string> keys;
    for (const Value& v : items) {
        if (v.is_unknown())
            throw refusal(where, "a name in the list of for_each is known only after apply",
                          "use a map whose keys are in the spec; its values can be unknown");
        if (v.secret())
            throw refusal(where, "for_each can't use a secret value",
                          "its keys would be visible in addresses; use nonsensitive(keys(...)) if "
                          "they can be shown");
        if (!v.is_string())
            throw refusal(where,
                          fmt::format("for_each needs names; the list has {}", v.kind_name()),
                          "use a list of strings, or a map");
        keys.push_back(v.as_string());
    }
    std::sort(keys.begin(), keys.end());
    const auto twice = std::adjacent_find(keys.begin(), keys.end());
    if (twice != keys.end())
        throw refusal(where, fmt::format("for_each has {} twice", in_quotes(*twice)),
                      "each instance needs a unique name");
    return keys;
}

/// Whether a key can be quoted in an address.
bool good_key(std::string_view key) {
    if (key.empty() || count_characters(key) > 63) return false;
    while (!key.empty()) {
        const CodePoint c = first_code_point(key);
        const bool reserved =
            c.code < 0x80 &&
            std::string_view("\"\\[] ").find(static_cast<char>(c.code)) != std::string_view::npos;
        if (!c.valid || is_invisible(c) || reserved) return false;
        key.remove_prefix(c.size);
    }
    return true;
}

} // namespace

std::vector<std::string> instance_keys(const Value& over, const Expr& expr) {
    const Loc where = expr.loc();
    if (over.is_unknown())
        throw refusal(where, "the keys of for_each are known only after apply",
                      from_data(expr)
                          ? "data sources are read only after the number of instances is known: "
                            "take the keys from a variable, a local or file()"
                          : "use a map whose keys are in the spec; its values can be unknown");
    if (over.secret())
        throw refusal(where, "for_each can't use a secret value",
                      "its keys would be visible in addresses; use nonsensitive(keys(...)) if they "
                      "can be shown");
    std::vector<std::string> keys;
    if (over.is_map())
        for (const Entry& e : over.as_map()) keys.push_back(e.key);
    else if (over.is_list())
        keys = listed_names(over.as_list(), where);
    else
        throw refusal(
            where, fmt::format("for_each needs a map or a list of names, not {}", over.kind_name()),
            over.is_string() && !bare_reference_hint(over).empty()
                ? bare_reference_hint(over)
                : "for example: for_each: [node1, node2]");
    if (keys.size() > kMostInstances)
        throw refusal(
            where,
            fmt::format("{} instances are more than the limit of {}", keys.size(), kMostInstances),
            "");
    for (const std::string& key : keys)
        if (!good_key(key))
            throw refusal(where, fmt::format("{} can't be the name of an instance", in_quotes(key)),
                          "use at most 63 visible characters, and no spaces, quotes, brackets or "
                          "backslashes");
    return keys;
}

std::int64_t instance_count(const Value& count, const Expr& expr) {
    const Loc where = expr.loc();
    if (count.is_unknown())
        throw refusal(where, "the count is known only after apply",
                      from_data(expr) ? "data sources are read only after the number of instances "
                                        "is known: take it from a variable, a local or file()"
                                      : "take it from a variable, or from values in the spec");
    if (count.secret())
        throw refusal(
            where, "a count can't be secret",
            "the number of instances is visible; use nonsensitive(...) if it can be shown");
    if (!count.is_integer())
        throw refusal(where, fmt::format("count: expected an integer, got {}", count.kind_name()),
                      bare_reference_hint(count));
    const std::int64_t n = count.as_integer();
    if (n < 0 || n > static_cast<std::int64_t>(kMostInstances))
        throw refusal(where, fmt::format("count: {} is not between 0 and {}", n, kMostInstances),
                      n < 0 ? "use max(0, ...)" : "");
    return n;
}

} // namespace hadeploy
