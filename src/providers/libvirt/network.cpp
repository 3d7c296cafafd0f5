#include "providers/libvirt/network.h"

#include "core/secrecy.h"

#include "providers/libvirt/host_network.h"
#include "providers/libvirt/ipv4.h"
#include "providers/libvirt/libvirt_type.h"
#include "providers/libvirt/xml.h"

#include <algorithm>
#include <fmt/format.h>

namespace hadeploy::libvirt {

std::string network_xml(const NetworkShape& shape) {
    const Cidr range = *Cidr::parse(shape.cidr);
    pugi::xml_document document;
    const pugi::xml_node network = add(document, "network");
    add(network, "name", {}, shape.name);
    add(network, "uuid", {}, shape.uuid);
    add_metadata(network, shape.project, shape.address);
    if (shape.mode == "nat") add(network, "forward", {{"mode", "nat"}});
    add(network, "bridge", {{"name", shape.bridge}, {"stp", "on"}, {"delay", "0"}});
    if (!shape.domain.empty())
        add(network, "domain", {{"name", shape.domain}, {"localOnly", "yes"}});
    if (!shape.dns) add(network, "dns", {{"enable", "no"}});
    const pugi::xml_node ip =
        add(network, "ip",
            {{"address", ipv4_text(range.gateway())}, {"prefix", std::to_string(range.prefix)}});
    // DHCP uses the upper half for guests without a lease; the lower half is for fixed addresses.
    const std::uint32_t middle = range.base + (range.last() - range.base + 1) / 2;
    add(add(ip, "dhcp"), "range",
        {{"start", ipv4_text(middle)}, {"end", ipv4_text(range.last() - 1)}});
    return to_text(network);
}

std::optional<Cidr> network_range(pugi::xml_node network) {
    for (const pugi::xml_node ip : network.children("ip"))
        if (std::string_view("ipv6") != ip.attribute("family").value())
            if (const auto range =
                    Cidr::of(ip.attribute("address").value(), ip.attribute("prefix").value(),
                             ip.attribute("netmask").value()))
                return range;
    return std::nullopt;
}

std::string bridge_name(std::string_view identity) {
    return fmt::format("hd-{}", identity.substr(0, 8));
}

namespace {

class NetworkType : public LibvirtType {
  public:
    NetworkType();
    void check(const Value& config, Diagnostics& diagnostics) const override;
    Value derive(const Value& config) const override;
    std::vector<std::string> claims(const Value& config) const override {
        if (!config["name"].is_string()) return {};
        return {"libvirt network " + config.text("name")};
    }
    std::vector<NetworkUse> networks(const Value& config) const override {
        if (!config["name"].is_string() || !config["cidr"].is_string()) return {};
        const auto range = Cidr::parse(config.text("cidr"));
        return {{"libvirt network " + config.text("name"), config.text("cidr"),
                 range ? ipv4_text(range->gateway()) : "", config["cidr"].loc()}};
    }
    Observation observe(const ReadRequest& request, Inventory& inventory) const override;
    Value make(Session& session, const Change& change) const override;
    void remove(Session& session, const Change& change) const override;
};

NetworkType::NetworkType() {
    name = "libvirt.network";
    summary = "A network for virtual machines: a bridge with DHCP and DNS";
    doc =
        "A bridge on the libvirt host with its own range of addresses. With `nat`, guests reach "
        "the networks that the host reaches; with `isolated`, they reach only the host and each "
        "other. The host has the first address. Each `libvirt.domain` adds a fixed lease with its "
        "name; other guests get an address from the upper half of the range.\n\n"
        "Detected and repaired: a stopped network is started; an undefined one is created again. "
        "A network of the same name that hadeploy did not create is never touched. The plan "
        "reports an error if a different network or the host uses some of the addresses.\n\n"
        "Destroy stops and undefines the network. It fails while other guests are attached.";
    import_id = "the network's UUID (`virsh net-uuid NAME`)";
    example = "lab:\n"
              "  type: libvirt.network\n"
              "  name: ha-demo\n"
              "  cidr: 10.77.0.0/24\n";
    schema = {
        {.name = "name",
         .type = TypeKind::name,
         .doc = "Name in libvirt.",
         .replaces = true,
         .default_value = Value("hadeploy")},
        {.name = "cidr",
         .type = TypeKind::cidr,
         .doc = "Addresses of the network, at least a /30.",
         .required = true,
         .replaces = true},
        {.name = "mode",
         .type = TypeKind::string,
         .doc = "`nat`: guests reach other networks through the host. `isolated`: they do not.",
         .replaces = true,
         .default_value = Value("nat"),
         .one_of = {"nat", "isolated"}},
        {.name = "domain",
         .type = TypeKind::name,
         .doc = "DNS domain of the guests; their names resolve with and without it.",
         .replaces = true},
        {.name = "dns",
         .type = TypeKind::boolean,
         .doc = "Whether the host answers DNS queries of the guests.",
         .replaces = true,
         .default_value = Value(true)},
        {.name = "active",
         .type = TypeKind::boolean,
         .doc = "Whether the network is active.",
         .computed = true,
         .tracked = true,
         .open = true,
         .verb = "start"},
        {.name = "gateway",
         .type = TypeKind::ipv4,
         .doc = "The host's address in the network.",
         .computed = true,
         .follows = {"cidr"}},
        {.name = "bridge",
         .type = TypeKind::string,
         .doc = "The bridge's interface on the host.",
         .computed = true},
    };
}

void NetworkType::check(const Value& config, Diagnostics& diagnostics) const {
    const Value& cidr = config["cidr"];
    if (!cidr.is_string()) return;
    const auto range = Cidr::parse(cidr.as_string());
    if (!range) return; // reported by the schema
    if (range->prefix > 30 || range->prefix < 8)
        diagnostics
            .add(fmt::format("{} is too large or too small for a network of machines",
                             redacted(cidr, cidr.as_string())),
                 cidr.loc())
            .with_hint("use a prefix from /8 to /30, e.g. 10.77.0.0/24");
    else if (range->text() != cidr.as_string())
        diagnostics
            .add(fmt::format("{} is an address in a network, not a network",
                             redacted(cidr, cidr.as_string())),
                 cidr.loc())
            .with_hint("write the network: " + redacted(cidr, range->text()));
}

Value NetworkType::derive(const Value& config) const {
    const Value& cidr = config["cidr"];
    if (!cidr.is_string()) return Value::map({{"active", true}, {"gateway", Value::unknown()}});
    const auto range = Cidr::parse(cidr.as_string());
    if (!range) return Value::map({{"active", true}});
    return Value::map({{"active", true}, {"gateway", ipv4_text(range->gateway())}});
}

Value observed(const Inventory::Network& network, const pugi::xml_document& document) {
    const pugi::xml_node root = document.child("network");
    Value out = Value::map({
        {"name", network.name},
        {"active", network.active},
        {"mode",
         root.child("forward") ? root.child("forward").attribute("mode").value() : "isolated"},
        {"dns", std::string_view("no") != root.child("dns").attribute("enable").value()},
        {"bridge", root.child("bridge").attribute("name").value()},
    });
    if (const pugi::xml_node domain = root.child("domain"))
        out = out.with("domain", domain.attribute("name").value());
    if (const auto range = network_range(root))
        out = out.with("cidr", range->text()).with("gateway", ipv4_text(range->gateway()));
    return out;
}

/// The reason why the addresses of a new network are not free. Networks of this project are
/// ignored: the same plan may remove them.
std::optional<Error> no_room(const Value& cidr, Inventory& inventory) {
    const auto wanted = Cidr::parse(cidr.as_string());
    if (!wanted) return std::nullopt;
    const auto in_use = [&](const std::string& by, const Cidr& range) {
        return Error(ErrorKind::conflict,
                     fmt::format("the addresses {} are in use: {} has {}", cidr.as_string(), by,
                                 range.text()),
                     cidr.loc())
            .with_hint("choose a different `cidr`");
    };
    std::vector<std::string> own_bridges;
    for (const Inventory::Network& other : inventory.networks()) {
        const pugi::xml_document document = parse_xml(inventory.network_xml(other));
        const pugi::xml_node root = document.child("network");
        own_bridges.emplace_back(root.child("bridge").attribute("name").value());
        if (metadata(root, "project") == inventory.project()) continue;
        if (const auto range = network_range(root); range && range->overlaps(*wanted))
            return in_use(fmt::format("libvirt's network '{}'", other.name), *range);
    }
    for (const HostRange& range : ranges_of_libvirts_host(inventory.connection().uri()))
        if (range.cidr.overlaps(*wanted) &&
            std::find(own_bridges.begin(), own_bridges.end(), range.interface) == own_bridges.end())
            return in_use(fmt::format("the host's interface {}", range.interface), range.cidr);
    return std::nullopt;
}

Observation NetworkType::observe(const ReadRequest& request, Inventory& inventory) const {
    for (const Inventory::Network& network : inventory.networks()) {
        if (network.uuid != request.identity) continue;
        return Observation::present(observed(network, parse_xml(inventory.network_xml(network))));
    }
    const Inventory::Network* other = inventory.network(request.config.text("name"));
    if (other == nullptr) {
        const Value& cidr = request.config["cidr"];
        // A recorded network may be about to be removed.
        if (request.recorded == nullptr && cidr.is_string())
            if (std::optional<Error> taken = no_room(cidr, inventory))
                return Observation::failed(std::move(*taken));
        return Observation::absent();
    }
    Observation out = Observation::present(Value::map({{"name", other->name}}));
    out.foreign = foreign_text(other->uuid);
    return out;
}

/// @throws Error(conflict) if a different network of this daemon uses some of the addresses
void check_overlap(const std::string& cidr, Inventory& inventory) {
    const Cidr wanted = *Cidr::parse(cidr);
    for (const Inventory::Network& other : inventory.networks()) {
        const pugi::xml_document document = parse_xml(inventory.network_xml(other));
        const auto range = network_range(document.child("network"));
        if (range && range->overlaps(wanted))
            throw Error(ErrorKind::conflict,
                        fmt::format("the addresses {} are in use: libvirt's network '{}' has {}",
                                    cidr, other.name, range->text()))
                .with_hint("choose a different `cidr`");
    }
}

void start(virNetworkPtr network, const std::string& name) {
    call(fmt::format("set the autostart of the network '{}'", name), {VIR_ERR_NO_SUPPORT},
         [&] { return virNetworkSetAutostart(network, 1); });
    call(fmt::format("start the network '{}'", name), {VIR_ERR_OPERATION_INVALID},
         [&] { return virNetworkCreate(network); });
}

Value NetworkType::make(Session& session, const Change& change) const {
    const Value& config = change.after;
    const std::string network_name = config.text("name");
    const virConnectPtr c = session.connection.get();
    Inventory inventory(session.connection);
    NetworkHandle network(
        call(fmt::format("look up the network '{}'", network_name), {VIR_ERR_NO_NETWORK},
             [&] { return virNetworkLookupByUUIDString(c, change.identity.c_str()); }));
    if (network) {
        start(network.get(), network_name);
    } else {
        if (const Inventory::Network* other = inventory.network(network_name))
            throw foreign_error("network", network_name, other->uuid);
        check_overlap(config.text("cidr"), inventory);
        session.progress("defining the network");
        const std::string xml = network_xml({.name = network_name,
                                             .uuid = change.identity,
                                             .cidr = config.text("cidr"),
                                             .mode = config.text("mode"),
                                             .domain = config.text("domain"),
                                             .dns = config.flag("dns", true),
                                             .bridge = bridge_name(change.identity),
                                             .project = session.context.project,
                                             .address = change.address});
        network.reset(call(fmt::format("define the network '{}'", network_name),
                           [&] { return virNetworkDefineXML(c, xml.c_str()); }));
        try {
            start(network.get(), network_name);
        } catch (const Error&) {
            virNetworkUndefine(
                network.get()); // otherwise the next attempt would find an incomplete network
            throw;
        }
    }
    Inventory after(session.connection);
    const Inventory::Network* now = after.network(network_name);
    if (now == nullptr)
        throw Error(
            ErrorKind::failed,
            fmt::format("the network '{}' vanished while it was being created", network_name));
    Value out = config;
    const Value seen = observed(*now, parse_xml(after.network_xml(*now)));
    for (const Entry& e : seen.as_map()) out = out.with(e.key, e.value);
    return out;
}

void NetworkType::remove(Session& session, const Change& change) const {
    NetworkHandle network(call("look up the network", {VIR_ERR_NO_NETWORK}, [&] {
        return virNetworkLookupByUUIDString(session.connection.get(), change.identity.c_str());
    }));
    if (!network) return;
    const std::string network_name = virNetworkGetName(network.get());
    if (virNetworkIsActive(network.get()) == 1) {
        const int ports = call(fmt::format("list the ports of the network '{}'", network_name),
                               {VIR_ERR_NO_SUPPORT},
                               [&] { return virNetworkListAllPorts(network.get(), nullptr, 0); });
        if (ports > 0)
            throw Error(ErrorKind::conflict,
                        fmt::format("the network '{}' is still used by {} running guest{}",
                                    network_name, ports, ports == 1 ? "" : "s"))
                .with_hint(
                    fmt::format("to list the guests, run `virsh net-port-list {}`; shut them down "
                                "or attach them to a different network, then try again",
                                network_name));
        session.progress("stopping the network");
        call(fmt::format("stop the network '{}'", network_name), {VIR_ERR_OPERATION_INVALID},
             [&] { return virNetworkDestroy(network.get()); });
    }
    call(fmt::format("undefine the network '{}'", network_name), {VIR_ERR_NO_NETWORK},
         [&] { return virNetworkUndefine(network.get()); });
}

} // namespace

std::unique_ptr<ResourceType> network_type() {
    return std::make_unique<NetworkType>();
}

} // namespace hadeploy::libvirt
