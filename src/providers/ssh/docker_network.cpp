#include "core/secrecy.h"
#include "providers/ssh/docker_object.h"
#include "providers/ssh/docker_types.h"

#include <algorithm>
#include <arpa/inet.h>
#include <fmt/format.h>

namespace hadeploy::ssh::docker {

namespace {
using NetworkJson = nlohmann::json;

/// IPv4 addresses from `first` to `last`.
struct Subnet {
    std::uint32_t first = 0, last = 0;

    [[nodiscard]] bool has(std::uint32_t address) const {
        return address >= first && address <= last;
    }
    [[nodiscard]] bool overlaps(const Subnet& other) const {
        return first <= other.last && other.first <= last;
    }
};

std::optional<std::uint32_t> parse_address(const std::string& text) {
    in_addr address{};
    if (inet_pton(AF_INET, text.c_str(), &address) != 1) return std::nullopt;
    return ntohl(address.s_addr);
}

std::optional<Subnet> parse_subnet(const std::string& text) {
    const std::size_t slash = text.find('/');
    const auto address = parse_address(text.substr(0, slash));
    if (!address || slash == text.npos) return std::nullopt;
    const std::string length = text.substr(slash + 1);
    if (length.empty() || length.size() > 2 ||
        length.find_first_not_of("0123456789") != length.npos || std::stoi(length) > 32)
        return std::nullopt;
    const int bits = std::stoi(length);
    const std::uint32_t mask = bits == 0 ? 0 : ~std::uint32_t{0} << (32 - bits);
    return Subnet{*address & mask, *address | ~mask};
}

/// The IPv4 part of the address management of a network.
NetworkJson ipam_of(const NetworkJson& network) {
    const auto at = "/IPAM/Config"_json_pointer;
    if (!network.contains(at) || !network.at(at).is_array()) return NetworkJson::object();
    for (const NetworkJson& one : network.at(at))
        if (one.is_object() && parse_subnet(one.value("Subnet", ""))) return one;
    return NetworkJson::object();
}

class DockerNetwork final : public ObjectType {
  public:
    DockerNetwork();
    void check(const Value& config, Diagnostics& diagnostics) const override;
    std::vector<NetworkUse> networks(const Value& config) const override;
    Observation parse(const ReadRequest& request, const ProbeResult& result) const override;

  protected:
    std::vector<std::string> paths(const ReadRequest& request) const override;
    NetworkJson body(const Value& config, const NetworkJson& labels,
                     Change::Kind /*kind*/) const override;
    Value attributes_of(const NetworkJson& object, const ReadRequest& request) const override;
};

DockerNetwork::DockerNetwork() {
    name = "docker.network";
    noun = "network";
    listed = "/networks?";
    path = "/networks/";
    in_use = "something is still attached to the network";
    has_imported_ids = true;
    import_id = "the network's ID (`docker network inspect -f '{{.Id}}' NAME`)";
    summary = "A Docker network: of one host, or of a swarm.";
    doc = "With `host`, a network of that host, by default a bridge. With `hosts`, the managers of "
          "a swarm, an overlay network, which services and stacks of the swarm can use: name it "
          "in their compose file as `external: true`.\n\n"
          "Docker cannot change a network, so every change replaces it. Docker refuses to remove a "
          "network while something is attached to it: let a docker.stack, docker.compose or "
          "docker.container that uses it follow it (`replace_triggered_by`), or give the changed "
          "network another `name` and set `create_before_destroy`.\n\n"
          "An error of the plan: subnets of two networks on the same host, or in the same swarm, "
          "that overlap, a subnet that overlaps with an existing network, and one that contains "
          "the address of the host. IPv6 is not supported.\n\n"
          "A network of the same name that hadeploy did not create is an error, unless it is "
          "imported. Labels of an imported network stay as they are.\n\n"
          "Destroy removes the network.";
    example = "backend:\n"
              "  type: docker.network\n"
              "  hosts: ${var.managers}\n"
              "  name: backend\n"
              "  attachable: true\n"
              "  subnet: 10.20.0.0/24\n"
              "  options: {encrypted: \"\"}\n";
    Attribute hosts = managers_of_swarm();
    hosts.required = false;
    hosts.doc = "Managers of a swarm, for an overlay network. hadeploy uses the first one that "
                "responds.";
    Attribute host = host_attribute();
    host.required = false;
    host.doc = "The host of the network, as the `connection` of a machine or an ssh.host.";
    Attribute labels = labels_attribute();
    labels.replaces = true;
    schema = {
        host,
        hosts,
        {.name = "name",
         .type = TypeKind::name,
         .doc = "Name of the network.",
         .required = true,
         .replaces = true},
        {.name = "driver",
         .type = TypeKind::line,
         .doc = "The driver: `bridge`, `macvlan`, `ipvlan`, `overlay`, or that of a plugin. "
                "Default: `bridge` with `host`, `overlay` with `hosts`.",
         .filled = true,
         .replaces = true},
        {.name = "attachable",
         .type = TypeKind::boolean,
         .doc = "Whether containers outside of services can be attached to an overlay network.",
         .replaces = true,
         .default_value = Value(false)},
        {.name = "internal",
         .type = TypeKind::boolean,
         .doc = "Whether the network has no connection to the outside.",
         .replaces = true,
         .default_value = Value(false)},
        {.name = "subnet",
         .type = TypeKind::cidr,
         .doc = "Addresses of the network. Docker chooses them if they are not given.",
         .filled = true,
         .replaces = true},
        {.name = "gateway",
         .type = TypeKind::ipv4,
         .doc = "Address of the gateway in `subnet`. Default: the first address.",
         .filled = true,
         .replaces = true},
        {.name = "ip_range",
         .type = TypeKind::cidr,
         .doc = "The part of `subnet` from which containers get their addresses.",
         .replaces = true},
        {.name = "options",
         .type = map_of(TypeKind::string),
         .doc = "Options of the driver, e.g. {\"com.docker.network.driver.mtu\": \"1450\"}.",
         .replaces = true,
         .default_value = Value::map({})},
        labels,
        {.name = "id", .type = TypeKind::string, .doc = "The network's ID.", .computed = true},
    };
    bound_steps();
}

/// Reports problems of the driver and of what it has to support.
void check_driver(const Value& config, Diagnostics& diagnostics) {
    const Value &host = config["host"], &hosts = config["hosts"];
    if (host.is_null() && hosts.is_null())
        diagnostics.add("a docker.network needs `host` or `hosts`", config.loc())
            .with_hint("`host` for a network of one host; `hosts`, the managers of a swarm, for an "
                       "overlay network");
    if (!host.is_null() && !hosts.is_null())
        diagnostics.add("`host` and `hosts` cannot be used together", hosts.loc())
            .with_hint("`host` for a network of one host; `hosts`, the managers of a swarm, for an "
                       "overlay network");
    if (host.is_null() == hosts.is_null()) return;
    const std::string driver = config.text("driver");
    if (!host.is_null() && driver == "overlay")
        diagnostics
            .add("an overlay network belongs to a swarm, not to one host", config["driver"].loc())
            .with_hint("give `hosts`, the managers of the swarm, instead of `host`");
    if (!hosts.is_null() && (driver == "bridge" || driver == "macvlan" || driver == "ipvlan"))
        diagnostics
            .add(fmt::format("the driver {} makes networks of one host, not of a swarm",
                             quoted(config["driver"])),
                 config["driver"].loc())
            .with_hint("give `host` instead of `hosts`; a swarm has overlay networks");
    if (!host.is_null() && config.flag("attachable"))
        diagnostics
            .add("`attachable` is for overlay networks: containers can always be attached to a "
                 "network of one host",
                 config["attachable"].loc())
            .with_hint("remove it");
}

/// Reports addresses that do not fit together.
void check_addresses(const Value& config, Diagnostics& diagnostics) {
    const Value& subnet = config["subnet"];
    for (const char* key : {"gateway", "ip_range"})
        if (!config[key].is_null() && subnet.is_null())
            diagnostics.add(fmt::format("`{}` needs a `subnet`", key), config[key].loc())
                .with_hint("give the `subnet` of the network, or leave this out: Docker then "
                           "chooses the addresses");
    if (!subnet.is_string()) return;
    const auto range = parse_subnet(subnet.as_string());
    if (!range) return; // reported by the schema
    const auto outside = [&](const Value& part) {
        diagnostics
            .add(fmt::format("{} is not in the subnet {}", quoted(part),
                             redacted(subnet, subnet.as_string())),
                 part.loc())
            .with_hint("choose addresses of the subnet, or leave this out");
    };
    if (const Value& gateway = config["gateway"]; gateway.is_string())
        if (const auto at = parse_address(gateway.as_string()); at && !range->has(*at))
            outside(gateway);
    if (const Value& part = config["ip_range"]; part.is_string())
        if (const auto small = parse_subnet(part.as_string());
            small && !(range->has(small->first) && range->has(small->last)))
            outside(part);
    std::vector<Value> hosts = connections(config["hosts"]);
    if (config["host"].is_map()) hosts.push_back(config["host"]);
    for (const Value& host : hosts)
        if (const auto at = parse_address(host.text("address")); at && range->has(*at)) {
            diagnostics
                .add(fmt::format("the subnet {} contains the address of the host, {}",
                                 redacted(subnet, subnet.as_string()), named(host, "address")),
                     subnet.loc())
                .with_hint("choose a subnet that the hosts do not use: its addresses are reached "
                           "through Docker");
            return;
        }
}

void DockerNetwork::check(const Value& config, Diagnostics& diagnostics) const {
    static const std::vector<std::string> own{"bridge", "host", "none", "ingress",
                                              "docker_gwbridge"};
    if (std::find(own.begin(), own.end(), config.text("name")) != own.end())
        diagnostics
            .add(fmt::format("{} is a network of Docker itself", quoted(config["name"])),
                 config["name"].loc())
            .with_hint("choose a different name");
    check_driver(config, diagnostics);
    check_addresses(config, diagnostics);
    check_labels(config, diagnostics);
}

std::vector<NetworkUse> DockerNetwork::networks(const Value& config) const {
    const std::vector<std::string> claimed = claims(config);
    if (claimed.empty() || !config["subnet"].is_string()) return {};
    return {{claimed.front(), config.text("subnet"), config.text("gateway"), config["subnet"].loc(),
             realm_of(config)}};
}

std::vector<std::string> DockerNetwork::paths(const ReadRequest& request) const {
    std::vector<std::string> out{"/networks"}; // all, because subnets must not overlap
    // A host that is not a manager does not list the networks of the swarm, but answers this with
    // an error.
    if (request.config["hosts"].is_map()) out.push_back("/configs?" + filter("name", "hadeploy"));
    return out;
}

/// The network that uses some of the addresses. Networks of hadeploy are ignored: the same plan may
/// remove them, and those of the spec are compared when it is checked.
std::optional<Error> taken(const Value& config, const std::vector<NetworkJson>& networks) {
    const auto wanted = parse_subnet(config.text("subnet"));
    if (!wanted) return std::nullopt;
    const char* scope = config["hosts"].is_map() ? "swarm" : "local";
    for (const NetworkJson& other : networks) {
        const NetworkJson labels = other.value("Labels", NetworkJson::object());
        if (other.value("Scope", "") != scope ||
            (labels.is_object() && labels.contains(kIdentityLabel)))
            continue;
        const std::string text = ipam_of(other).value("Subnet", "");
        const auto range = parse_subnet(text);
        if (!range || !range->overlaps(*wanted)) continue;
        return Error(ErrorKind::conflict,
                     fmt::format("the addresses {} are in use: the network \"{}\" has {}",
                                 redacted(config["subnet"], config.text("subnet")), name_of(other),
                                 text),
                     config["subnet"].loc())
            .with_hint("choose a different `subnet`");
    }
    return std::nullopt;
}

Observation DockerNetwork::parse(const ReadRequest& request, const ProbeResult& result) const {
    Observation seen = ObjectType::parse(request, result);
    const bool there = seen.state == Observation::State::present;
    if (!seen.foreign.empty() || !(there || seen.state == Observation::State::absent)) return seen;
    if (there && seen.attributes["subnet"] == request.config["subnet"]) return seen;
    std::vector<NetworkJson> all = objects_in(parse_replies(result.out));
    std::erase_if(all, [&](const NetworkJson& one) { return is_ours(one, request.identity); });
    if (auto error = taken(request.config, all)) return Observation::failed(*std::move(error));
    return seen;
}

NetworkJson DockerNetwork::body(const Value& config, const NetworkJson& labels,
                                Change::Kind /*kind*/) const {
    const bool swarm = config["hosts"].is_map();
    NetworkJson out = {{"Name", config.text("name")},
                       {"CheckDuplicate", true},
                       {"Driver", config.text("driver", swarm ? "overlay" : "bridge")},
                       {"Internal", config.flag("internal")},
                       {"Options", json_map(config["options"])},
                       {"Labels", labels}};
    if (swarm) out["Attachable"] = config.flag("attachable");
    NetworkJson addresses = NetworkJson::object();
    for (const auto& [key, field] : {std::pair("subnet", "Subnet"), std::pair("gateway", "Gateway"),
                                     std::pair("ip_range", "IPRange")})
        if (config[key].is_string()) addresses[field] = config.text(key);
    if (!addresses.empty())
        out["IPAM"] = {{"Driver", "default"}, {"Config", NetworkJson::array({addresses})}};
    return out;
}

Value DockerNetwork::attributes_of(const NetworkJson& object, const ReadRequest& request) const {
    const NetworkJson none;
    Value out =
        Value::map({{"name", name_of(object)},
                    {"driver", object.value("Driver", "")},
                    {"attachable", object.value("Attachable", false)},
                    {"internal", object.value("Internal", false)},
                    {"options", seen_map(object.value("Options", none), request, "options")},
                    {"labels", seen_map(object.value("Labels", none), request, "labels")},
                    {"id", id_of(object)}});
    const NetworkJson addresses = ipam_of(object);
    for (const auto& [key, field] : {std::pair("subnet", "Subnet"), std::pair("gateway", "Gateway"),
                                     std::pair("ip_range", "IPRange")})
        if (const std::string text = addresses.value(field, ""); !text.empty())
            out = out.with(key, text);
    return out;
}

} // namespace

std::unique_ptr<SshType> docker_network_type() {
    return std::make_unique<DockerNetwork>();
}

} // namespace hadeploy::ssh::docker
