#include "chaos/target.h"

#include <random>

namespace hadeploy::chaos {

std::string leader_of(const Snapshot& snapshot) {
    for (const ClusterNode& node : snapshot.nodes)
        if (node.leader) return node.name;
    throw Error(ErrorKind::failed, "the swarm has no leader")
        .with_hint("`hadeploy status` shows its managers");
}

std::string random_node(const Snapshot& snapshot, std::uint64_t seed) {
    std::vector<std::string> up; // by name, as the snapshot
    for (const ClusterNode& node : snapshot.nodes)
        if (node.is_up()) up.push_back(node.name);
    if (up.empty()) throw Error(ErrorKind::failed, "no node of the swarm is up");
    return up[std::mt19937_64(seed)() % up.size()];
}

} // namespace hadeploy::chaos
