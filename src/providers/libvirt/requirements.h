#pragma once

#include "provider_api/prerequisites.h"

#include <vector>

namespace hadeploy::libvirt {

/// See HasPrerequisites: the daemon, QEMU and KVM, memory, disk space, and the tools that build
/// base images. On a remote libvirt host, only what libvirt reports about the host is checked.
std::vector<Prerequisite> requirements(const ProviderUse& use, const ProviderContext& context);

} // namespace hadeploy::libvirt
