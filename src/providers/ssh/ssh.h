#pragma once

#include "provider_api/provider.h"
#include "providers/ssh/compose_replicas.h"
#include "providers/ssh/counters.h"
#include "providers/ssh/host_place.h"

#include <string>

namespace hadeploy::ssh {

/// Registers the provider "ssh" and all its types.
void add_ssh(Registry& registry);
/// Registers only the provider, without its types.
void add_ssh_provider(Registry& registry);

/// Logs in to a host without checking its host key against the known one, and returns the key:
/// "ssh-ed25519 AAAA...".
/// @param host  the config of an ssh.host; its known_hosts may revoke keys
/// @param connection  see connection_fields(); its `host_key` is ignored
/// @throws Error(unreachable); a revoked key is such an error too
std::string shown_host_key(const Value& host, const Value& connection);

} // namespace hadeploy::ssh
