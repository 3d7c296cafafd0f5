#pragma once

#include "providers/libvirt/ipv4.h"

#include <optional>
#include <pugixml.hpp>
#include <string>
#include <string_view>

namespace hadeploy::libvirt {

/// The input of a network's definition.
struct NetworkShape {
    std::string name, uuid, cidr, mode, domain;
    bool dns = true;
    std::string bridge;
    std::string project, address; ///< the owner, for the metadata
};

/// The `<network>` to define. A pure function.
std::string network_xml(const NetworkShape& shape);

/// The IPv4 range of a `<network>`.
std::optional<Cidr> network_range(pugi::xml_node network);

/// Name of the bridge: at most 15 characters, and unique on the host.
std::string bridge_name(std::string_view identity);

} // namespace hadeploy::libvirt
