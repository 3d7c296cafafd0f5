#pragma once

#include "planner/graph/graph.h"

#include <set>
#include <string>
#include <vector>

namespace hadeploy {

/// The published ports of a spec's resources, and the clusters whose machines publish them.
class PortClashes {
  public:
    void add(const Node& node, const Value& config);
    /// Whether check() reports that two resources have this claim.
    [[nodiscard]] bool covers(const std::string& claim) const { return claims_.contains(claim); }
    /// Adds an error for each port that would certainly be published twice on a machine. The error
    /// names the port and two owners.
    void check(Diagnostics& diagnostics) const;

  private:
    struct Use {
        const Node* node;
        PortUse port;
        Value config;
    };

    [[nodiscard]] const ClusterMembers* cluster_of(const std::string& place) const;

    std::vector<Use> uses_;
    std::vector<ClusterMembers> members_;
    std::set<std::string> claims_;

    friend class PortSlots;
};

} // namespace hadeploy
