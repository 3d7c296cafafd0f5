#pragma once

#include "chaos/cluster.h"

#include <cstdint>

namespace hadeploy::chaos {

/// The name of the swarm's leader.
/// @throws Error if the swarm has no leader
std::string leader_of(const Snapshot& snapshot);

/// The name of a node that is up. The same seed and nodes give the same choice.
/// @throws Error if no node is up
std::string random_node(const Snapshot& snapshot, std::uint64_t seed);

} // namespace hadeploy::chaos
