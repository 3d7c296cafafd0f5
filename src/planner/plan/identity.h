#pragma once

#include "planner/plan/moves.h"
#include "planner/plan/prior_state.h"

namespace hadeploy {

/// Which recorded objects the spec has under another address.
struct Identities {
    Moves moves;
    /// Objects without a name of their own that may have been moved: what goes, by the address of
    /// what is made and looks the same.
    std::map<std::string, std::string> look_alikes;
    /// What becomes just what another record's object without a name is so far, and that record.
    std::multimap<std::string, std::string> take_overs;
};

/// Compares what the recorded objects claim (ResourceType::claims) with what the spec's resources
/// claim, across addresses, modules and instance keys. The same object under another address is
/// moved. So is what is recorded as `a` when the spec has `a[0]`, or the other way round. An object
/// that no address has any more, while another one takes its own, moves to `address#generation`,
/// from where it is removed.
/// @param configs  by node, as far as they are known; null where they have errors
/// @throws Error: `moved:` says of an object what its claims contradict
Identities find_identities(const Graph& graph, const PriorState& world,
                           const std::vector<Value>& configs);

/// The object itself among what a resource claims, with its type; "" when it has no name, or none
/// that is known.
std::string object_name(const ResourceType& type, const Value& config);

} // namespace hadeploy
