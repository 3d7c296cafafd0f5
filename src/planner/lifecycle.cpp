#include "planner/lifecycle.h"

#include "planner/plan.h"
#include "planner/seen.h"

#include <algorithm>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <set>

namespace hadeploy {

namespace {

bool ignored(const Lifecycle& lifecycle, const std::string& name) {
    const auto& names = lifecycle.ignore_changes;
    return lifecycle.ignore_all || std::find(names.begin(), names.end(), name) != names.end();
}

/// The computed attributes that follow from ignored ones: what those were, nobody knows from the
/// spec, and so nobody knows what these should be.
std::set<std::string> followers(const Node& node, const Value& config) {
    std::set<std::string> out;
    Value blank = config;
    for (const Attribute& a : node.type->schema)
        if (!a.computed && ignored(node.block->lifecycle(), a.name))
            blank = blank.with(a.name, Value::unknown());
    const Value with = node.type->derive(config), without = node.type->derive(blank);
    for (const Entry& e : without.as_map())
        if (e.value.contains_unknown() && !with[e.key].contains_unknown()) out.insert(e.key);
    return out;
}

/// The attributes that are ignored, of those that are computed or of the others, as they are now.
template<class Ignored>
Value kept_as_is(const Node& node, Value config, const Recorded& recorded,
                 const Observation* observed, bool computed, const Ignored& is_ignored) {
    for (const Attribute& a : node.type->schema) {
        if (a.computed != computed || !is_ignored(a.name)) continue;
        const Value* now = observed != nullptr ? observed->attributes.find(a.name) : nullptr;
        if (now == nullptr && !computed) now = recorded.config.find(a.name);
        if (now != nullptr)
            config = config.with(a.name, a.secret ? now->as_secret() : *now);
        else if (!computed)
            config = config.without(a.name);
    }
    return config;
}

} // namespace

Value with_derived(const ResourceType& type, Value config) {
    const Value given = config;
    const Value derived = type.derive(given);
    for (const Entry& e : derived.as_map()) {
        const Attribute* a = find_attribute(type.schema, e.key);
        config =
            config.with(e.key, a != nullptr ? with_secrecy(type, *a, e.value, given) : e.value);
    }
    return config;
}

Value with_lifecycle(const Node& node, Value config, const Recorded* recorded,
                     const Observation* observed) {
    if (recorded == nullptr) return config;
    const Lifecycle& lifecycle = node.block->lifecycle();
    if (!lifecycle.prevent_destroy && recorded->config.flag(kPreventDestroy))
        config = config.with(kPreventDestroy, true);
    if (!lifecycle.ignore_all && lifecycle.ignore_changes.empty()) return config;
    if (recorded->type != node.type->name) return config;
    const auto by_name = [&](const std::string& name) { return ignored(lifecycle, name); };
    config = kept_as_is(node, std::move(config), *recorded, observed, false, by_name);
    config = with_machine(*node.type, node.address, with_derived(*node.type, std::move(config)));
    const std::set<std::string> follow = followers(node, config);
    return kept_as_is(
        node, std::move(config), *recorded, observed, true,
        [&](const std::string& name) { return by_name(name) || follow.contains(name); });
}

std::set<std::string> told_later(const ResourceType& type, const Value& config,
                                 const Value& recorded) {
    Value filled = config;
    bool open = false;
    for (const Attribute& a : type.schema) {
        if (a.computed || !config[a.name].contains_unknown()) continue;
        filled = filled.with(a.name, recorded[a.name]);
        open = true;
    }
    std::set<std::string> out;
    if (!open) return out;
    const Value derived = type.derive(filled);
    for (const Entry& e : derived.as_map())
        if (!e.value.contains_unknown() && config[e.key].contains_unknown()) out.insert(e.key);
    return out;
}

Error protected_error(const std::string& address, std::string_view why, Loc loc) {
    Error error(ErrorKind::spec,
                fmt::format("{} {}, and prevent_destroy protects it", address, why), loc);
    error.address = address;
    return std::move(error).with_hint("to lift that, apply once with `lifecycle: {prevent_destroy: "
                                      "false}` in its block");
}

bool within(const std::string& address, const std::string& name) {
    return address.starts_with(name) &&
           (address.size() == name.size() || address[name.size()] == '[' ||
            address[name.size()] == '.');
}

void check_ignored(const ResourceBlock& block, const ResourceType& type, Problems& problems) {
    if (block.lifecycle().ignore_changes.empty()) return;
    std::vector<std::string> known;
    const Schema& schema = type.schema;
    for (const Attribute& a : schema) known.push_back(a.name);
    for (std::size_t i = 0; i < block.lifecycle().ignore_changes.size(); ++i) {
        const std::string& name = block.lifecycle().ignore_changes[i];
        if (find_attribute(schema, name) != nullptr) continue;
        Error& error = problems.add(
            fmt::format("ignore_changes: {} has no attribute \"{}\"", block.type, name),
            block.lifecycle().ignore_locs[i]);
        const auto close = did_you_mean(name, known);
        error.hint = close ? fmt::format("did you mean \"{}\"?", *close)
                           : fmt::format("it has: {}", fmt::join(known, ", "));
    }
}

} // namespace hadeploy
