#pragma once

#include "chaos/cluster.h"
#include "chaos/injector.h"
#include "cli/context.h"

namespace hadeploy::cli {

/// The connections of `hadeploy chaos` to a deployed cluster.
struct ChaosProject {
    /// The project must have been loaded.
    explicit ChaosProject(Context& context);
    /// The cluster, read through hosts other than the given ones if possible: the given hosts may
    /// not respond during a fault.
    std::unique_ptr<chaos::Cluster> without(const std::vector<std::string>& nodes);

    /// The hosts other than the given ones, as recorded now; all hosts if there are no others.
    [[nodiscard]] chaos::HostSource hosts_without(std::vector<std::string> nodes = {}) const;

    const Project& project;
    PriorState prior;
    Value section; ///< the spec's `chaos`, normalized
    ProviderSettings settings;
    Endpoints endpoints;
    std::unique_ptr<chaos::Cluster> cluster;
    std::unique_ptr<chaos::Faults> faults;
};

/// The fault on the command line; its node is empty if the cluster has to be queried.
/// @throws Error(usage) for an invalid option of the fault
chaos::Fault fault_of(const Args& args);

/// The name of the target node. --leader and --random choose it. A random choice is reported.
/// @throws Error
std::string target_of(Context& context, chaos::Cluster& cluster, const chaos::Fault& fault);

} // namespace hadeploy::cli
