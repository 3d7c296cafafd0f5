#pragma once

#include "provider_api/provider.h"

#include <string>

namespace hadeploy::cli {

/// Registers all providers and resource types.
void register_all(Registry& registry);
/// Counts of calls to libvirt and to hosts so far, one line each.
std::string provider_statistics();

} // namespace hadeploy::cli
