#pragma once

#include "chaos/cluster.h"
#include "chaos/fault.h"

namespace hadeploy::chaos {

/// A reason not to inject a fault now.
struct Objection {
    std::string text, hint;
    bool can_be_forced = false;
};
/// The reasons not to inject the fault that are found in the state of the swarm.
std::vector<Objection> objections(const Snapshot& snapshot, const Fault& fault);

/// The bricks of a Gluster volume that hold the same files.
struct ReplicaSet {
    struct Brick {
        std::string host; ///< name of the node
        bool online = false;
    };
    std::string volume;
    std::vector<Brick> bricks;
};
/// The reasons that are found in the replicas of a volume. The replicas accept writes only while
/// more than half of them are online, or exactly half of them including the first one (Gluster's
/// quorum-type `auto`).
std::vector<Objection> objections(const std::vector<ReplicaSet>& replicas, const Fault& fault);

/// @throws Error for the first objection that is not forced
void refuse(const std::vector<Objection>& objections, const Fault& fault, bool force);

} // namespace hadeploy::chaos
