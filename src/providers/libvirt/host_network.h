#pragma once

#include "providers/libvirt/ipv4.h"

#include <string>
#include <string_view>
#include <vector>

namespace hadeploy::libvirt {

/// The addresses that an interface reaches directly.
struct HostRange {
    std::string interface;
    Cidr cidr;
};

/// The IPv4 ranges of the interfaces of the host where libvirt makes its bridges. Empty when that
/// is another machine, or another network namespace of this one: then only libvirt itself can tell.
std::vector<HostRange> ranges_of_libvirts_host(std::string_view uri);

/// Those of this process' network namespace.
std::vector<HostRange> ranges_of_this_host();

} // namespace hadeploy::libvirt
