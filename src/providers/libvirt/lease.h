#pragma once

#include "providers/libvirt/connection.h"

#include <pugixml.hpp>
#include <string>

namespace hadeploy::libvirt {

/// A fixed DHCP lease of a network: who has this MAC gets this address and this name.
struct Lease {
    std::string mac, name, address;
};

/// Whether the `<network>` has exactly this lease.
bool has_lease(pugi::xml_node network, const Lease& lease);

/// Adds the lease to the network, now and for good; one of this MAC and name is changed.
/// @throws Error when there is no such network, the address is not of it, or another machine has it
void ensure_lease(const Connection& connection, const std::string& network, const Lease& lease);

/// Fine when there is none, or no such network.
void remove_lease(const Connection& connection, const std::string& network, const Lease& lease);

} // namespace hadeploy::libvirt
