#pragma once

#include "provider_api/provider.h"

namespace hadeploy::local {

/// The provider `local` and its types: files and commands on the machine that hadeploy runs on,
/// random values, keys and certificates that live in the state alone, and data sources.
void add_local_types(Registry& registry);

} // namespace hadeploy::local
