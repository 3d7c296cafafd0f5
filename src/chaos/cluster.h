#pragma once

#include "engine/observe.h"
#include "planner/plan/prior_state.h"

#include <chrono>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

/// A swarm as seen from outside, for the drill and for `hadeploy status`.
namespace hadeploy::chaos {

struct ClusterNode {
    std::string id, name, address;
    std::string role;         ///< manager, worker
    std::string status;       ///< ready, down, ...
    std::string availability; ///< active, drain, pause
    bool leader = false;
    bool reachable = false; ///< of a manager: the others reach it

    [[nodiscard]] bool is_manager() const { return role == "manager"; }
    /// As it should be, apart from its availability.
    [[nodiscard]] bool is_up() const { return status == "ready" && (!is_manager() || reachable); }
};

struct ClusterService {
    std::string name;
    std::int64_t desired = 0, running = 0; ///< tasks
};

struct ClusterTask {
    std::string id, service;
    std::string slot;    ///< "1"; "" in a service that runs once a node
    std::string node;    ///< its name; "" until it has one
    std::string state;   ///< what it is: new, pending, ..., running, shutdown, failed, rejected
    std::string desired; ///< what it is to be: running, shutdown, ...
    std::string error;

    /// "web.2", "agent@node1"
    [[nodiscard]] std::string label() const;
};

struct Snapshot {
    std::vector<ClusterNode> nodes;       ///< by name
    std::vector<ClusterService> services; ///< by name
    std::vector<ClusterTask> tasks;       ///< history included

    /// By name or id; nullptr if there is none.
    [[nodiscard]] const ClusterNode* find(std::string_view node) const;
};

/// The attributes of a `docker.cluster` as seen.
Snapshot parse_snapshot(const Value& attributes);

/// What keeps the nodes, or the services, from being in their steady state: one line each, for
/// people; empty when all is well.
std::vector<std::string> node_problems(const Snapshot& snapshot);
std::vector<std::string> service_problems(const Snapshot& snapshot);

/// Tasks that still run on a node, by their labels.
std::vector<std::string> running_on(const Snapshot& snapshot, std::string_view node);

/// Where each running task runs: "web.2" -> "node1".
std::map<std::string, std::string> placement(const Snapshot& snapshot);

class Cluster {
  public:
    using Time = std::chrono::steady_clock::time_point;

    virtual ~Cluster() = default;
    /// @throws Error(unreachable) when no manager answers
    virtual Snapshot look() = 0;
    /// Moves the tasks off the node. Before that a timer is set in the cluster itself that makes
    /// the node active again after `undo_after`, whatever becomes of us.
    /// @return when the node was told, as near as can be seen from here
    virtual Time drain(const ClusterNode& node, std::chrono::milliseconds undo_after) = 0;
    /// Makes the node active and takes the timer away. May be called again, and without a drain.
    virtual void restore(const ClusterNode& node) = 0;
};

/// The swarm that the hosts belong to, through whatever provider serves `docker.cluster` and
/// `docker.drain`. `hosts`: a map of connections; asked in order, from the one that answered last.
std::unique_ptr<Cluster> open_cluster(Endpoints& endpoints, const ProviderSettings& settings,
                                      Value hosts);

} // namespace hadeploy::chaos
