#pragma once

#include "cli/context.h"
#include "engine/observe.h"
#include "provider_api/runs_scripts.h"

#include <stop_token>
#include <string>
#include <vector>

namespace hadeploy::cli {

/// A host of recorded docker.* resources.
struct DockerHost {
    std::string name; ///< short: the key of the machine's resource, or the key in a map of hosts
    Value connection;
};

/// @param key  the key in a map of hosts; may be empty
DockerHost docker_host(const std::string& key, const Value& connection);

/// The hosts of all recorded docker.* resources, by name.
std::vector<DockerHost> docker_hosts(const PriorState& prior);
/// The members of the swarm that has a manager among `managers` (connections by name).
std::vector<DockerHost> swarm_members(const PriorState& prior, const Value& managers);

/// Runs scripts on hosts, over the connections of the provider "ssh". Thread-safe; scripts on the
/// same host run one after another.
class HostShells {
  public:
    HostShells(const Context& context, const PriorState& prior, const std::stop_token& stop);
    /// @returns the exit status
    /// @throws Error(unreachable), Interrupted
    int run(const Value& connection, const std::string& script, const RunsScripts::Take& take);
    /// Runs a script, and returns its standard output.
    /// @throws Error(failed) with the last line of standard error, if the exit status is not 0
    std::string output_of(const Value& connection, const std::string& script);

  private:
    Endpoints endpoints_;
    ProviderSettings settings_;
};

/// The text without the sequences that set colours on a terminal, and with other control characters
/// escaped.
std::string plain_line(std::string_view text);

/// A word quoted for a POSIX shell.
std::string shell_word_of(std::string_view text);

} // namespace hadeploy::cli
