#pragma once

#include "provider_api/prerequisites.h"

#include <cstdint>
#include <optional>
#include <vector>

namespace hadeploy::libvirt {

/// Memory in bytes that the machines of a spec need and a host has.
struct MemoryNeed {
    std::int64_t needed = 0; ///< by all machines
    std::int64_t in_use = 0; ///< by those that run already, so it is not available again
    std::int64_t total = 0;  ///< of the host
    std::optional<std::int64_t> available = {}; ///< for more machines; nullopt if unknown
};
/// Whether the host has enough memory for the machines that do not run yet, and for all of them.
bool is_met(const MemoryNeed& need);

/// See HasPrerequisites: the daemon, QEMU and KVM, memory, disk space, and the tools that build
/// base images. On a remote libvirt host, only what libvirt reports about the host is checked.
std::vector<Prerequisite> requirements(const ProviderUse& use, const ProviderContext& context);

} // namespace hadeploy::libvirt
