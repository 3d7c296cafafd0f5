#include "providers/libvirt/lease.h"

#include "providers/libvirt/network.h"
#include "providers/libvirt/xml.h"

#include <fmt/format.h>

namespace hadeploy::libvirt {

namespace {
std::string host_xml(const Lease& lease) {
    pugi::xml_document document;
    return to_text(
        add(document, "host", {{"mac", lease.mac}, {"name", lease.name}, {"ip", lease.address}}));
}

Lease lease_in_xml(pugi::xml_node host) {
    return {host.attribute("mac").value(), host.attribute("name").value(),
            host.attribute("ip").value()};
}

bool same(const Lease& a, const Lease& b) {
    return a.mac == b.mac && a.name == b.name && a.address == b.address;
}

NetworkHandle find_network(const Connection& connection, const std::string& name) {
    return NetworkHandle(
        call(fmt::format("look up the network '{}'", name), {VIR_ERR_NO_NETWORK},
             [&] { return virNetworkLookupByName(connection.get(), name.c_str()); }));
}

pugi::xml_document definition(virNetworkPtr network, const std::string& name) {
    return parse_xml(taken(call(fmt::format("read the network '{}'", name),
                                [&] { return virNetworkGetXMLDesc(network, 0); })));
}

void update(virNetworkPtr network, const std::string& name, virNetworkUpdateCommand command,
            const Lease& lease) {
    const std::string xml = host_xml(lease);
    unsigned flags = VIR_NETWORK_UPDATE_AFFECT_CONFIG;
    if (virNetworkIsActive(network) == 1) flags |= VIR_NETWORK_UPDATE_AFFECT_LIVE;
    const char* what = command == VIR_NETWORK_UPDATE_COMMAND_DELETE   ? "remove"
                       : command == VIR_NETWORK_UPDATE_COMMAND_MODIFY ? "change"
                                                                      : "add";
    call(fmt::format("{} the lease of {} in the network '{}'", what, lease.name, name), [&] {
        return virNetworkUpdate(network, command, VIR_NETWORK_SECTION_IP_DHCP_HOST, -1, xml.c_str(),
                                flags);
    });
}
} // namespace

bool has_lease(pugi::xml_node network, const Lease& lease) {
    for (const pugi::xml_node ip : network.children("ip"))
        for (const pugi::xml_node host : ip.child("dhcp").children("host"))
            if (same(lease_in_xml(host), lease)) return true;
    return false;
}

void ensure_lease(const Connection& connection, const std::string& network_name,
                  const Lease& lease) {
    const NetworkHandle network = find_network(connection, network_name);
    if (!network)
        throw Error(ErrorKind::failed, fmt::format("libvirt has no network '{}'", network_name))
            .with_hint("create one (type: libvirt.network) and refer to it: network: ${NAME.name}");
    const pugi::xml_document document = definition(network.get(), network_name);
    const pugi::xml_node root = document.child("network");
    const auto range = network_range(root);
    const auto address = parse_ipv4(lease.address);
    if (!range || !address || !range->contains(*address) || *address == range->base ||
        *address == range->last())
        throw Error(ErrorKind::failed,
                    fmt::format("{} is not a usable host address in the network '{}'{}",
                                lease.address, network_name,
                                range ? " (" + range->text() + ")" : ""));
    if (*address == range->gateway())
        throw Error(ErrorKind::conflict,
                    fmt::format("{} is the libvirt host's own address in the network '{}'",
                                lease.address, network_name))
            .with_hint("choose a different address for the machine");
    if (has_lease(root, lease)) return;
    bool ours = false; // with a different address: drift
    for (const pugi::xml_node ip : root.children("ip"))
        for (const pugi::xml_node host : ip.child("dhcp").children("host"))
            if (const Lease other = lease_in_xml(host);
                other.mac == lease.mac && other.name == lease.name)
                ours = true;
            else if (other.mac == lease.mac || other.address == lease.address ||
                     other.name == lease.name)
                throw Error(ErrorKind::conflict,
                            fmt::format("the network '{}' already reserves {} for {} ({})",
                                        network_name, other.address, other.name, other.mac))
                    .with_hint("choose a different address and name, or remove that lease: `virsh "
                               "net-edit " +
                               network_name + "`");
    update(network.get(), network_name,
           ours ? VIR_NETWORK_UPDATE_COMMAND_MODIFY : VIR_NETWORK_UPDATE_COMMAND_ADD_LAST, lease);
}

void remove_lease(const Connection& connection, const std::string& network_name,
                  const Lease& lease) {
    const NetworkHandle network = find_network(connection, network_name);
    if (!network) return;
    const pugi::xml_document document = definition(network.get(), network_name);
    if (has_lease(document.child("network"), lease))
        update(network.get(), network_name, VIR_NETWORK_UPDATE_COMMAND_DELETE, lease);
}

} // namespace hadeploy::libvirt
