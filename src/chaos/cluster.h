#pragma once

#include "chaos/managers.h"
#include "engine/observe.h"
#include "planner/plan/prior_state.h"

#include <memory>
#include <string>
#include <string_view>
#include <vector>

/// A swarm as observed from outside, for the drill and for `hadeploy status`.
namespace hadeploy::chaos {

struct ClusterNode {
    std::string id, name, address;
    std::string role;         ///< manager, worker
    std::string status;       ///< ready, down, ...
    std::string availability; ///< active, drain, pause
    bool leader = false;
    bool reachable = false; ///< by the other managers; only for a manager

    [[nodiscard]] bool is_manager() const { return role == "manager"; }
    /// Whether the node works; its availability does not matter.
    [[nodiscard]] bool is_up() const { return status == "ready" && (!is_manager() || reachable); }
};

struct ClusterService {
    std::string name;
    std::int64_t desired = 0, running = 0; ///< tasks
};

struct ClusterTask {
    std::string id, service;
    std::string slot;    ///< "1"; "" in a global service, which runs once on each node
    std::string node;    ///< its name; "" until one is assigned
    std::string state;   ///< current: new, pending, ..., running, shutdown, failed, rejected
    std::string desired; ///< desired state: running, shutdown, ...
    std::string error;
    std::string since; ///< when it reached this state, in UTC: "2026-01-31T12:00:00.5Z"; may be ""

    /// "web.2", "agent@node1"
    [[nodiscard]] std::string label() const;
};

struct Snapshot {
    std::vector<ClusterNode> nodes;       ///< by name
    std::vector<ClusterService> services; ///< by name
    std::vector<ClusterTask> tasks;       ///< including past tasks

    /// By name or id; nullptr if there is none.
    [[nodiscard]] const ClusterNode* find(std::string_view node) const;
};

/// Converts the observed attributes of a `docker.cluster`.
Snapshot parse_snapshot(const Value& attributes);

/// Why the nodes or the services are not in their steady state, one reason per line, for display;
/// empty if they are.
std::vector<std::string> node_problems(const Snapshot& snapshot);
std::vector<std::string> service_problems(const Snapshot& snapshot);

/// The tasks that keep a service from running completely, and the last error of its tasks, for
/// display: "web.2 on node1 is starting; last error: ...". Empty if the swarm reports neither.
std::string why_incomplete(const Snapshot& snapshot, std::string_view service);

/// The labels of the tasks that still run on a node.
std::vector<std::string> running_on(const Snapshot& snapshot, std::string_view node);

/// The node of each running task: "web.2" -> "node1".
using Placement = std::map<std::string, std::string>;
Placement placement(const Snapshot& snapshot);

class Cluster {
  public:
    virtual ~Cluster() = default;
    /// @throws Error(unreachable) if no manager answers
    virtual Snapshot look() = 0;
};

/// The swarm that runs on the hosts, read through the provider of `docker.cluster`. The hosts are
/// tried in order, beginning with the one that worked most recently.
std::unique_ptr<Cluster> open_cluster(Endpoints& endpoints, const ProviderSettings& settings,
                                      HostSource hosts);

} // namespace hadeploy::chaos
