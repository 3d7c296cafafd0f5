#pragma once

#include "provider_api/provider.h"

#include <cstdint>

namespace hadeploy::ssh {

/// Adds the provider "ssh" to the registry.
void add_ssh_provider(Registry& registry);
void add_host_types(Registry& registry);    ///< ssh.host, ssh.key, host.*
void add_docker_types(Registry& registry);  ///< docker.*
void add_gluster_types(Registry& registry); ///< gluster.*

/// Logs in to a host whatever host key it shows, and returns that: "ssh-ed25519 AAAA...".
/// @param host  the config of an ssh.host: known_hosts may have revoked keys of it
/// @param connection  see connection_fields(); its `host_key` does not count
/// @throws Error(unreachable), also of a revoked key
std::string shown_host_key(const Value& host, const Value& connection);

/// What the process has asked of all hosts so far. A run's cost, and what tests hold against "one
/// exec a host".
struct Counters {
    std::uint64_t connections = 0;
    std::uint64_t execs = 0;
};
Counters counters();

} // namespace hadeploy::ssh
