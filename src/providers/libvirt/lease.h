#pragma once

#include "providers/libvirt/connection.h"

#include <pugixml.hpp>
#include <string>

namespace hadeploy::libvirt {

/// A fixed DHCP lease: the guest with this MAC address gets this IP address and name.
struct Lease {
    std::string mac, name, address;
};

/// Whether the `<network>` has exactly this lease.
bool has_lease(pugi::xml_node network, const Lease& lease);

/// Adds the lease to the network's active and persistent configuration, or updates the lease with
/// the same MAC address and name.
/// @throws Error if there is no such network, or the address is outside of the network or already
/// in use
void ensure_lease(const Connection& connection, const std::string& network, const Lease& lease);

/// Does nothing if there is no such lease or network.
void remove_lease(const Connection& connection, const std::string& network, const Lease& lease);

} // namespace hadeploy::libvirt
