#include "planner/plan/lifecycle.h"

#include "planner/graph/computed.h"
#include "planner/graph/ignored.h"
#include "provider_api/lifecycle_keys.h"

#include <algorithm>
#include <fmt/format.h>
#include <set>

namespace hadeploy {

namespace {

/// Replaces the ignored attributes, or their ignored parts, by their current values. Handles either
/// the computed attributes or all others.
template<class Ignored>
Value kept_as_is(const Node& node, Value config, const RecordedResource& recorded,
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

Value with_lifecycle(const Node& node, Value config, const RecordedResource* recorded,
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

Error protected_error(const std::string& address, std::string_view why, Loc loc) {
    Error error(ErrorKind::spec,
                fmt::format("{} {}, but prevent_destroy protects it", address, why), loc);
    error.address = address;
    return std::move(error).with_hint("to allow this, set `prevent_destroy: false` in its block; "
                                      "if the block is gone, restore it for one apply");
}

} // namespace hadeploy
