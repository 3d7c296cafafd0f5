#pragma once

#include "providers/libvirt/ipv4.h"

#include <string>
#include <string_view>
#include <vector>

namespace hadeploy::libvirt {

/// A directly connected address range of a network interface.
struct HostRange {
    std::string interface;
    Cidr cidr;
};

/// The IPv4 ranges of the network interfaces of the host that has libvirt's bridges. Empty for a
/// remote host or a different network namespace: then only libvirt can detect conflicts.
std::vector<HostRange> ranges_of_libvirts_host(std::string_view uri);

/// The ranges of this process' network namespace.
std::vector<HostRange> ranges_of_this_host();

} // namespace hadeploy::libvirt
