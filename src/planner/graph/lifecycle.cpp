#include "planner/graph/lifecycle.h"

#include "planner/graph/ignored.h"
#include "planner/lang/outside.h"
#include "planner/plan/plan.h"
#include "planner/plan/seen.h"

#include <algorithm>
#include <fmt/format.h>
#include <set>

namespace hadeploy {

namespace {

/// The attributes that are ignored, of those that are computed or of the others, as they are now;
/// of some only parts.
template<class Ignored>
Value kept_as_is(const Node& node, Value config, const Recorded& recorded,
                 const Observation* observed, bool computed, const Ignored& is_ignored) {
    for (const Attribute& a : node.type->schema) {
        const bool whole = is_ignored(a.name);
        if (a.computed != computed || (!whole && !has_ignored_parts(node.lifecycle(), a.name)))
            continue;
        const Value* now = observed != nullptr ? observed->attributes.find(a.name) : nullptr;
        if (now == nullptr && !computed) now = recorded.config.find(a.name);
        const Value* wanted = config.find(a.name);
        if (now == nullptr) {
            if (whole && !computed) config = config.without(a.name);
        } else if (whole || wanted != nullptr) {
            const Value kept =
                whole ? *now : with_ignored_parts(node.lifecycle(), a.name, *wanted, *now);
            config = config.with(a.name, a.secret ? kept.as_secret() : kept);
        }
    }
    return config;
}

} // namespace

Value with_derived(const ResourceType& type, Value config) {
    const Value given = config;
    if (type.derives_from_files) note_outside_look();
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
    const LifecycleValues& lifecycle = node.lifecycle();
    if (!lifecycle.prevent_destroy && recorded->config.flag(kPreventDestroy))
        config = config.with(kPreventDestroy, true);
    if (!lifecycle.keep_on_destroy && recorded->config.flag(kKeepOnDestroy))
        config = config.with(kKeepOnDestroy, true);
    if (!lifecycle.ignore_all && lifecycle.ignored.empty()) return config;
    if (recorded->type != node.type->name) return config;
    const auto by_name = [&](const std::string& name) { return is_ignored(lifecycle, name); };
    config = kept_as_is(node, std::move(config), *recorded, observed, false, by_name);
    config = with_machine(*node.type, node.address, with_derived(*node.type, std::move(config)));
    const std::set<std::string> follow = follow_ignored(lifecycle, *node.type, config);
    return kept_as_is(
        node, std::move(config), *recorded, observed, true,
        [&](const std::string& name) { return by_name(name) || follow.contains(name); });
}

Value with_lifecycle_of_new(const Node& node, Value config) {
    const LifecycleValues& lifecycle = node.lifecycle();
    if (!lifecycle.ignore_all && lifecycle.ignored.empty()) return config;
    return with_machine(*node.type, node.address, with_derived(*node.type, std::move(config)));
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

std::string lifecycle_key_hint(std::string_view key, bool in_lifecycle) {
    // Pulumi's, Terraform's and CloudFormation's names for the same
    static constexpr std::string_view keep[] = {
        "destroy",         "keep",         "on_destroy",    "retain", "retain_on_delete",
        "deletion_policy", "skip_destroy", "keep_on_delete"};
    static constexpr std::string_view own[] = {
        "prevent_destroy",      kKeepOnDestroy,  "create_before_destroy", "ignore_changes",
        "replace_triggered_by", "preconditions", "postconditions"};
    if (std::find(std::begin(keep), std::end(keep), key) != std::end(keep))
        return "to keep the object when the resource is removed: lifecycle: {keep_on_destroy: "
               "true}";
    if (!in_lifecycle && std::find(std::begin(own), std::end(own), key) != std::end(own))
        return "write it under `lifecycle:`";
    return {};
}

Error protected_error(const std::string& address, std::string_view why, Loc loc) {
    Error error(ErrorKind::spec,
                fmt::format("{} {}, and prevent_destroy protects it", address, why), loc);
    error.address = address;
    return std::move(error).with_hint("to lift that, set `prevent_destroy: false` in its block; if "
                                      "the block is gone, put it back for one apply");
}

bool within(const std::string& address, const std::string& name) {
    return address.starts_with(name) &&
           (address.size() == name.size() || address[name.size()] == '[' ||
            address[name.size()] == '.');
}

} // namespace hadeploy
