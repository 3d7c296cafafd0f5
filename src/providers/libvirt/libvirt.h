#pragma once

#include "provider_api/provider.h"

#include <atomic>
#include <cstdint>

namespace hadeploy::libvirt {

/// Registers the provider "libvirt" and its types.
void add_libvirt(Registry& registry);

/// Number of libvirt calls in this process. Tests use it to check that reading takes one list call
/// for each kind, not one call for each resource.
struct Counters {
    std::atomic<std::int64_t> calls = 0;
};
Counters& counters();

} // namespace hadeploy::libvirt
