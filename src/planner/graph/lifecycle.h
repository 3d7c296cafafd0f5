#pragma once

#include "planner/graph/graph.h"

#include <set>

namespace hadeploy {

/// The key under which a config keeps that its resource must not be destroyed. It goes into the
/// record with the config, so that taking the block out of the spec does not take the protection
/// away.
inline constexpr std::string_view kPreventDestroy = "prevent_destroy";
/// The same for an object that stays when its resource goes.
inline constexpr std::string_view kKeepOnDestroy = "keep_on_destroy";

/// A config as the resource's lifecycle lets it be: what is not to be changed is as observed, or
/// else as recorded; protected stays protected until the spec says otherwise.
Value with_lifecycle(const Node& node, Value config, const Recorded* recorded,
                     const Observation* observed);

/// The config for an object that is made: what follows from ignored attributes follows from them
/// again, whatever the old object had.
Value with_lifecycle_of_new(const Node& node, Value config);

/// A config completed by what follows from it (ResourceType::derive).
Value with_derived(const ResourceType& type, Value config);

/// The computed attributes that will be others, since something that they follow from is known only
/// after apply: what was recorded of them is no answer.
std::set<std::string> told_later(const ResourceType& type, const Value& config,
                                 const Value& recorded);

/// The refusal to destroy what is protected. `why` it would be: "would be replaced".
Error protected_error(const std::string& address, std::string_view why, Loc loc);

/// The hint for a key of a resource or of its lifecycle that only other tools have, or that is
/// written in the wrong place; "" for any other key.
/// @param in_lifecycle  whether it was written under `lifecycle:`
std::string lifecycle_key_hint(std::string_view key, bool in_lifecycle);

/// Whether an address is `name` or within it: an instance of it, a resource of that module.
bool within(const std::string& address, const std::string& name);

} // namespace hadeploy
