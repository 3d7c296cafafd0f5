#pragma once

#include "provider_api/port_use.h"
#include "providers/ssh/compose.h"

#include <string>
#include <vector>

namespace hadeploy::ssh::docker {

/// The ports that the services publish on every node: "5000" or "53/udp". Excludes ports that
/// Docker chooses, ranges, and ports of single nodes (mode: host).
std::vector<std::string> published_ports(const Compose& compose, const Value& variables);

/// The ports of a docker.stack. Their `place` and `claim` are not set.
std::vector<PortUse> ports_of_stack(const Compose& compose, const Value& variables);

/// The ports of a docker.compose on its host, whatever their mode. `place` and `claim` are not set.
std::vector<PortUse> ports_of_project(const Compose& compose, const Value& variables);

} // namespace hadeploy::ssh::docker
