#pragma once

#include "provider_api/provider.h"

#include <cstdint>

namespace hadeploy::ssh {

/// Adds the provider "ssh" to the registry.
void add_ssh_provider(Registry& registry);
void add_host_types(Registry& registry);    ///< ssh.host, ssh.key, host.*
void add_docker_types(Registry& registry);  ///< docker.*
void add_gluster_types(Registry& registry); ///< gluster.*

/// Logs in to a host without checking its host key against the known one, and returns the key:
/// "ssh-ed25519 AAAA...".
/// @param host  the config of an ssh.host; its known_hosts may revoke keys
/// @param connection  see connection_fields(); its `host_key` is ignored
/// @throws Error(unreachable), also for a revoked key
std::string shown_host_key(const Value& host, const Value& connection);

/// Connections and execs of this process so far, to report the cost of a run and to test that each
/// host gets one exec.
struct Counters {
    std::uint64_t connections = 0;
    std::uint64_t execs = 0;
};
Counters counters();

} // namespace hadeploy::ssh
