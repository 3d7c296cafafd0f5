#pragma once

#include "chaos/cluster.h"

namespace hadeploy::chaos {

/// Finds the changes between two reads of the cluster, for display.
class Watcher {
  public:
    /// "node2 is down, active", "web.2: running on node1"; none for the first snapshot
    std::vector<std::string> changes(const Snapshot& snapshot);

  private:
    bool first_ = true;
    std::map<std::string, std::string> nodes_, tasks_;
};

/// The name of the swarm's leader; "" if no manager is known to be the leader.
std::string current_leader(const Snapshot& snapshot);

} // namespace hadeploy::chaos
