#pragma once

#include "planner/plan/moves.h"
#include "planner/plan/prior_state.h"

namespace hadeploy {

/// The recorded objects that the spec has under another address.
struct Identities {
    Moves moves;
    /// Unnamed objects that may have been moved: the removed address, by the address of the created
    /// resource that looks the same.
    std::map<std::string, std::string> look_alikes;
    /// A resource that will equal the unnamed object of another record, and the address of that
    /// record.
    std::multimap<std::string, std::string> take_overs;
};

/// Compares the claims (ResourceType::claims) of the recorded objects with those of the spec's
/// resources, across addresses, modules and instance keys. Moves an object that is found under
/// another address, and an object recorded as `a` if the spec has `a[0]`, or the other way round.
/// If an object has no address in the spec any more and another object takes its address, it moves
/// to `address#generation` and is removed there.
/// @param configs  by node, as far as they are known; null for those with errors
/// @throws Error: an entry of `moved:` contradicts the claims of an object
Identities find_identities(const Graph& graph, const PriorState& prior,
                           const std::vector<Value>& configs);

/// The claim that names the object itself, with its type; "" if it has no name, or none is known
/// yet.
std::string object_name(const ResourceType& type, const Value& config);

} // namespace hadeploy
