#include "planner/lifecycle.h"

#include "planner/plan.h"

#include <algorithm>
#include <fmt/format.h>

namespace hadeploy {

namespace {

bool ignored(const Lifecycle& lifecycle, const std::string& name) {
    const auto& names = lifecycle.ignore_changes;
    return lifecycle.ignore_all || std::find(names.begin(), names.end(), name) != names.end();
}

/// The ignored attributes, of those that are computed or of the others, as they are now.
Value kept_as_is(const Node& node, Value config, const Recorded& recorded,
                 const Observation* observed, bool computed) {
    for (const Attribute& a : node.type->schema) {
        if (a.computed != computed || !ignored(node.block->lifecycle, a.name)) continue;
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
    // of a machine the parts that are secret are so by its schema
    const bool secret = config.contains_secret() && !type.machine;
    const Value derived = type.derive(config);
    for (const Entry& e : derived.as_map()) {
        const Attribute* a = find_attribute(type.schema, e.key);
        const bool hidden = secret && (a == nullptr || !a->open);
        config = config.with(e.key, hidden ? e.value.as_secret() : e.value);
    }
    return config;
}

Value with_lifecycle(const Node& node, Value config, const Recorded* recorded,
                     const Observation* observed) {
    if (recorded == nullptr) return config;
    const Lifecycle& lifecycle = node.block->lifecycle;
    if (!lifecycle.prevent_destroy && recorded->config.flag(kPreventDestroy))
        config = config.with(kPreventDestroy, true);
    if (!lifecycle.ignore_all && lifecycle.ignore_changes.empty()) return config;
    if (recorded->type != node.type->name) return config;
    config = kept_as_is(node, std::move(config), *recorded, observed, false);
    config = with_machine(*node.type, node.address, with_derived(*node.type, std::move(config)));
    return kept_as_is(node, std::move(config), *recorded, observed, true);
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

} // namespace hadeploy
