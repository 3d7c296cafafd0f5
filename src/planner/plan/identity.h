#pragma once

#include "planner/plan/moves.h"
#include "planner/plan/prior_state.h"

namespace hadeploy {

/// The recorded objects that the spec has under a different address.
struct Identities {
    Moves moves;
    /// Unnamed objects that may have been moved: the address of the removed resource, by the
    /// address of the created resource that looks the same.
    std::map<std::string, std::string> look_alikes;
    /// By the address of a resource that will look like the unnamed object of another record: the
    /// address of that record.
    std::multimap<std::string, std::string> take_overs;
};

/// Compares the claims (ResourceType::claims) of the recorded objects with those of the spec's
/// resources, across addresses, modules and instance keys. Moves an object that is found under a
/// different address. Also moves an object recorded as `a` if the spec has `a[0]`, and one recorded
/// as `a[0]` if the spec has `a`. If the spec no longer contains a recorded object and another
/// object takes its address, the record moves to `address#generation`, where the object is removed.
/// @param configs  configs by node, as far as they are known; null for nodes with errors
/// @throws Error: an entry of `moved:` contradicts the claims of an object
Identities find_identities(const Graph& graph, const PriorState& prior,
                           const std::vector<Value>& configs);

/// The claim that names the object itself, with its type; "" if the object has no name, or the name
/// is not known yet.
std::string object_name(const ResourceType& type, const Value& config);

} // namespace hadeploy
