#pragma once

#include "provider_api/provider.h"

#include <atomic>
#include <cstdint>

namespace hadeploy::libvirt {

/// Adds the provider "libvirt" and its types to the registry.
void add_libvirt(Registry& registry);

/// How often libvirt was asked something, in this process. A run's cost, and what tests hold
/// against "one list a kind, not one call a resource".
struct Counters {
    std::atomic<std::int64_t> calls = 0;
};
Counters& counters();

} // namespace hadeploy::libvirt
