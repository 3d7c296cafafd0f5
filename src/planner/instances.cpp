#include "planner/instances.h"

#include "planner/references.h"

#include <algorithm>
#include <fmt/format.h>

namespace hadeploy {

namespace {

constexpr std::size_t kMostInstances = 100'000;

Error refusal(const ExprPtr& where, std::string message, std::string hint) {
    return Error(ErrorKind::spec, std::move(message), where->loc).with_hint(std::move(hint));
}

/// Whether it goes by what a data source reads.
bool from_data(const ExprPtr& where) {
    const std::vector<Reference> all = references_in(*where);
    return std::any_of(all.begin(), all.end(), [](const Reference& r) { return r.name == "data"; });
}

std::vector<std::string> listed_names(const Value::List& items, const ExprPtr& where) {
    std::vector<std::string> keys;
    for (const Value& v : items) {
        if (v.is_unknown())
            throw refusal(where, "a name in the list of for_each is known only after apply",
                          "use a map whose keys stand in the spec; its values may be unknown");
        if (v.secret())
            throw refusal(where, "for_each can't go over a secret value",
                          "its keys would show in addresses");
        if (!v.is_string())
            throw refusal(where,
                          fmt::format("for_each goes over names; the list has {}", v.kind_name()),
                          "use a list of strings, or a map");
        keys.push_back(v.as_string());
    }
    std::sort(keys.begin(), keys.end());
    const auto twice = std::adjacent_find(keys.begin(), keys.end());
    if (twice != keys.end())
        throw refusal(where, fmt::format("for_each has \"{}\" twice", *twice),
                      "each instance needs a name of its own");
    return keys;
}

} // namespace

std::vector<std::string> instance_keys(const Value& over, const ResourceBlock& block) {
    const ExprPtr& where = block.for_each;
    if (over.is_unknown())
        throw refusal(
            where, "the keys of for_each are known only after apply",
            from_data(where)
                ? "data sources are read when it is known how many there are of everything: "
                  "take the keys from a variable, a local or file()"
                : "use a map whose keys stand in the spec; its values may be unknown");
    if (over.secret())
        throw refusal(where, "for_each can't go over a secret value",
                      "its keys would show in addresses");
    std::vector<std::string> keys;
    if (over.is_map())
        for (const Entry& e : over.as_map()) keys.push_back(e.key);
    else if (over.is_list())
        keys = listed_names(over.as_list(), where);
    else
        throw refusal(
            where,
            fmt::format("for_each goes over a map or a list of names, not {}", over.kind_name()),
            "for example: for_each: [node1, node2]");
    if (keys.size() > kMostInstances)
        throw refusal(
            where, fmt::format("{} instances are more than {}", keys.size(), kMostInstances), "");
    for (const std::string& key : keys)
        if (key.empty() || key.size() > 63 || key.find_first_of("\"\\\n\r\t[] ") != key.npos)
            throw refusal(where, fmt::format("\"{}\" can't be the name of an instance", key),
                          "no blanks, quotes, brackets or backslashes; at most 63 characters");
    return keys;
}

std::int64_t instance_count(const Value& count, const ResourceBlock& block) {
    const ExprPtr& where = block.count;
    if (count.is_unknown())
        throw refusal(
            where, "the count is known only after apply",
            from_data(where)
                ? "data sources are read when it is known how many there are of everything: "
                  "take it from a variable, a local or file()"
                : "take it from a variable, or from what stands in the spec");
    if (count.secret())
        throw refusal(where, "a count can't be secret", "everybody sees how many there are");
    if (!count.is_integer())
        throw refusal(where, fmt::format("count: expected an integer, got {}", count.kind_name()),
                      "");
    const std::int64_t n = count.as_integer();
    if (n < 0 || n > static_cast<std::int64_t>(kMostInstances))
        throw refusal(where, fmt::format("count: {} is not within 0 and {}", n, kMostInstances),
                      "");
    return n;
}

} // namespace hadeploy
