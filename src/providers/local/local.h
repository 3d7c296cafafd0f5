#pragma once

#include "provider_api/provider.h"

namespace hadeploy::local {

/// Adds the providers `local` and `state` and their types: files and commands on the machine that
/// runs hadeploy; random values, keys and certificates that exist only in the state; data sources.
void add_local_types(Registry& registry);

} // namespace hadeploy::local
