#pragma once

#include "chaos/cluster.h"
#include "chaos/experiment.h"
#include "chaos/gluster.h"

#include <filesystem>
#include <functional>
#include <stop_token>
#include <utility>

namespace hadeploy::chaos {

/// The result of a probe, or of an action that is not a fault.
struct ActivityResult {
    Value value;         ///< compared with the tolerance
    std::string shown;   ///< "HTTP 200", "exit status 0", ...
    std::string details; ///< why a check is false or a process failed; "" otherwise
};

/// Runs probes and actions against the outside world. Different activities may be run from several
/// threads at the same time; checks of the cluster may not.
class ActivityRunner {
  public:
    /// @param timeout  time limit of a request that sets none
    /// @param patience  time limit of a process that sets none
    /// @param gluster  nullptr if there is no pool
    /// @param directory  working directory of processes; "": the one of this process
    ActivityRunner(Ms timeout, Ms patience, Cluster& cluster, Gluster* gluster,
                   std::filesystem::path directory = {})
        : timeout_(timeout), patience_(patience), cluster_(cluster), gluster_(gluster),
          directory_(std::move(directory)) {}

    /// @param on_line  called for each line that a process prints, with what may be shown of it
    /// @throws Error if there is no result: the process cannot be started, the server does not
    /// answer, ...
    /// @throws Interrupted
    ActivityResult run(const Activity& activity, const std::stop_token& stop,
                       const std::function<void(std::string)>& on_line = {});

  private:
    ActivityResult check_cluster(const Value& provider, const std::stop_token& stop);

    Ms timeout_, patience_;
    Cluster& cluster_;
    Gluster* gluster_;
    std::filesystem::path directory_;
};

/// The command line of a process: the path, followed by the arguments. The arguments are given as a
/// list, a map or, for the shell, a string.
std::vector<std::string> command_line(const Value& provider);

/// Why the swarm is not in its steady state.
/// @param check  the only part to check: "nodes", "services" or "quorum"; "": all three
std::vector<std::string> swarm_problems(const Snapshot& snapshot, std::string_view check);

} // namespace hadeploy::chaos
