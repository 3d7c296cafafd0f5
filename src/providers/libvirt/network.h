#pragma once

#include "providers/libvirt/ipv4.h"

#include <optional>
#include <pugixml.hpp>
#include <string>
#include <string_view>

namespace hadeploy::libvirt {

/// All that a network's definition depends on.
struct NetworkShape {
    std::string name, uuid, cidr, mode, domain;
    bool dns = true;
    std::string bridge;
    std::string project, address; ///< whose it is
};

/// The `<network>` to define. Pure.
std::string network_xml(const NetworkShape& shape);

/// The IPv4 range of a `<network>`.
std::optional<Cidr> network_range(pugi::xml_node network);

/// Interface names are at most 15 characters and shared by the whole host.
std::string bridge_name(std::string_view identity);

} // namespace hadeploy::libvirt
