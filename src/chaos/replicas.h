#pragma once

#include "chaos/objections.h"
#include "engine/observe.h"

namespace hadeploy::chaos {

/// The recorded Gluster volumes of a project.
class Replicas {
  public:
    Replicas(Endpoints& endpoints, const ProviderSettings& settings, const PriorState& prior)
        : endpoints_(endpoints), settings_(settings), prior_(prior) {}
    /// The current state of their bricks. A volume that cannot be read is left out.
    std::vector<ReplicaSet> read() const;

  private:
    Endpoints& endpoints_;
    const ProviderSettings& settings_;
    const PriorState& prior_;
};

/// The replica sets of a volume.
/// @param volume  recorded attributes of the gluster.volume
/// @param seen  the attribute `bricks` of a gluster.cluster; a brick that it lacks is offline
std::vector<ReplicaSet> replica_sets(const Value& volume, const Value& seen);

} // namespace hadeploy::chaos
