#include "embedded/scripts.h"
#include "providers/ssh/gluster_script.h"
#include "providers/ssh/gluster_types.h"
#include "providers/ssh/host.h"

#include <algorithm>
#include <fmt/format.h>
#include <set>

namespace hadeploy::ssh::gluster {

namespace {
std::string line_of(const Host& host) {
    return host.name + " " + host.address() + "\n";
}

std::set<std::string> name_set(const Value& list) {
    std::set<std::string> out;
    if (list.is_list())
        for (const Value& item : list.as_list()) out.insert(item.as_string());
    return out;
}

class GlusterPool final : public SshType {
  public:
    GlusterPool();
    Value derive(const Value& config) const override;
    std::string probe(const ReadRequest& /*request*/) const override {
        return functions() + std::string(scripts::gluster_pool_own) +
               std::string(scripts::gluster_pool_probe);
    }
    Observation parse(const ReadRequest& request, const ProbeResult& result) const override;
    std::vector<Command> commands(const Change& change) const override;
    /// A member leaves after the volumes have given up its bricks.
    bool releases(const Value& before, const Value& after) const override;
};

GlusterPool::GlusterPool() {
    name = "gluster.pool";
    summary = "A Gluster trusted storage pool.";
    doc =
        "Every host in `hosts` becomes a member under its key as name. All members must be able "
        "to resolve these names (see host.hosts), and glusterd must run on each host (see "
        "host.package and host.service).\n\n"
        "A host that is in a different pool, or has volumes of its own, is an error. A member "
        "that is not in the spec is drift and is removed; gluster refuses to remove a member that "
        "holds bricks.\n\n"
        "A machine that lost its disk rejoins under its old name: it gets back the UUID by which "
        "the other members know it, and the list of volumes from them. Its bricks are restored by "
        "gluster.volume.\n\n"
        "Gluster trusts its network: any machine that can reach ports 24007 and 24008 of a member "
        "can administer the pool, and access to the bricks of a volume (49152 and up) is "
        "controlled by address only. Make these ports accessible to the members only, with a "
        "separate network or a firewall.\n\n"
        "Destroy dissolves the pool.";
    example = "pool:\n"
              "  type: gluster.pool\n"
              "  hosts: ${var.hosts}\n";
    adopts = true;
    reached_through_created = true;
    remove_may_leave = true; // each host remains in a pool of its own
    schema = {
        hosts_attribute("All members, by name."),
        {.name = "connected",
         .type = TypeKind::boolean,
         .doc = "Whether all members are connected.",
         .default_value = Value(true),
         .verb = "reconnect"},
        {.name = "members",
         .type = list_of(TypeKind::string),
         .doc = "The names of the members.",
         .computed = true},
        {.name = "uuids",
         .type = map_of(TypeKind::string),
         .doc = "Gluster's UUIDs of the members, by name.",
         .computed = true,
         .open = true},
    };
    bound_steps();
}

Value GlusterPool::derive(const Value& config) const {
    if (!config["hosts"].is_map()) return Value::map({{"members", Value::unknown()}});
    Value::List names;
    for (const Host& host : hosts_of(config["hosts"])) names.push_back(host.name);
    return Value::map({{"members", Value::list(std::move(names))}});
}

/// The number of members that `gluster pool list` shows as connected; nullopt if glusterd did not
/// respond.
std::optional<std::size_t> connected_in(const std::string& listing) {
    std::size_t connected = 0;
    bool answered = false;
    for (const std::string& line : lines(listing)) {
        const std::vector<std::string> parts = words(line);
        answered |= !parts.empty();
        if (parts.size() == 3 && parts[2] == "Connected") ++connected;
    }
    return answered ? std::optional(connected) : std::nullopt;
}

/// The name of the host that was queried: by its addresses or, failing that, its host name.
std::string name_of_host(const std::vector<Host>& hosts, const std::string& own) {
    for (const Host& host : hosts)
        if (("\n" + own).find("\n" + host.address() + "\n") != std::string::npos) return host.name;
    for (const Host& host : hosts)
        if (("\n" + own).ends_with("\n" + host.name + "\n")) return host.name;
    return {};
}

/// The content of one of glusterd's peer files, which describes a member.
struct Peer {
    std::string name, uuid, state;
    bool known = false; ///< whether the spec contains the member
};

Peer peer_in(const std::string& file, const std::vector<Host>& hosts) {
    Peer peer;
    for (const auto& [key, value] : pairs(file)) {
        if (key == "state") peer.state = value;
        if (key == "uuid") peer.uuid = value;
        if (!key.starts_with("hostname")) continue;
        if (peer.name.empty()) peer.name = value;
        for (const Host& host : hosts)
            if (host.name == value || host.address() == value)
                peer.name = host.name, peer.known = true;
    }
    return peer;
}

Observation GlusterPool::parse(const ReadRequest& request, const ProbeResult& result) const {
    const std::string_view out = result.out;
    if (out.starts_with("== missing")) return Observation::absent();
    const std::vector<Host> hosts = hosts_of(request.config["hosts"]);
    std::set<std::string> members;
    std::vector<std::string> strangers;
    Value uuids = Value::map({});
    const std::string self = name_of_host(hosts, section(out, "own"));
    if (!self.empty()) {
        members.insert(self);
        for (const auto& [key, value] : pairs(section(out, "info")))
            if (key == "UUID") uuids = uuids.with(self, value);
    }
    bool alone = true;
    for (std::size_t at = out.find("== peer\n"); at != std::string_view::npos;
         at = out.find("== peer\n", at + 1)) {
        const Peer peer = peer_in(section(out.substr(at), "peer"), hosts);
        if (peer.state != "3" && peer.state != "4") continue; // not a member yet, or no longer
        alone = false;
        if (!peer.known) strangers.push_back(peer.name);
        members.insert(peer.name);
        uuids = uuids.with(peer.name, peer.uuid);
    }
    // a recorded pool continues to exist without this host, whose machine may be a new one
    if (alone && hosts.size() > 1 && request.recorded == nullptr) return Observation::absent();
    const std::size_t count = members.size();
    Value::List names(members.begin(), members.end());
    Value seen = Value::map({{"members", Value::list(std::move(names))}, {"uuids", uuids}});
    if (const auto connected = connected_in(section(out, "list")))
        seen = seen.with("connected", *connected >= count);
    Observation observation = Observation::present(std::move(seen));
    if (request.recorded == nullptr && !strangers.empty())
        observation.foreign = fmt::format("the pool has members that are not in the spec: {}",
                                          fmt::join(strangers, ", "));
    return observation;
}

bool GlusterPool::releases(const Value& before, const Value& after) const {
    const std::set<std::string> have = name_set(before["members"]),
                                wanted = name_set(after["members"]);
    return have.size() > wanted.size() &&
           std::includes(have.begin(), have.end(), wanted.begin(), wanted.end());
}

std::vector<Command> GlusterPool::commands(const Change& change) const {
    std::string come, go;
    const std::vector<Host> hosts = hosts_of(change.after["hosts"]);
    const std::set<std::string> wanted = name_set(change.after["members"]);
    std::vector<Value> everywhere;
    for (const Host& host : hosts) {
        come += line_of(host);
        everywhere.push_back(host.connection);
    }
    std::vector<Host> known = hosts_of(change.before["hosts"]);
    for (const std::string& member : name_set(change.before["members"])) {
        if (wanted.contains(member)) continue;
        const auto host = std::find_if(known.begin(), known.end(),
                                       [&](const Host& h) { return h.name == member; });
        go += host == known.end() ? member + " " + member + "\n" : line_of(*host);
    }
    while (!come.empty() && come.back() == '\n') come.pop_back();
    while (!go.empty() && go.back() == '\n') go.pop_back();
    const auto script = [](std::string_view body, const std::string& names) {
        return functions() + std::string(scripts::gluster_pool_own) +
               fmt::format("hosts={}\n", shell_quote(names)) + std::string(body);
    };
    std::vector<Command> list;
    if (!come.empty()) {
        list.push_back({.script = script(scripts::gluster_pool_ask, come),
                        .on = everywhere,
                        .none_is_empty = true,
                        .step = "checking whether the hosts are in a pool"});
        for (const Host& host : hosts)
            list.push_back({.script = fmt::format("name={}\naddress={}\n", shell_quote(host.name),
                                                  shell_quote(host.address())) +
                                      std::string(scripts::gluster_pool_return),
                            .on = {host.connection},
                            .step = "checking the UUID of " + host.name});
        list.push_back({.script = script(scripts::gluster_pool_join, come),
                        .on = everywhere,
                        .step = "adding members to the pool"});
    }
    if (!go.empty())
        list.push_back({.script = script(scripts::gluster_pool_detach, go),
                        .step = "removing members from the pool"});
    return list;
}

} // namespace

std::unique_ptr<SshType> gluster_pool_type() {
    return std::make_unique<GlusterPool>();
}

} // namespace hadeploy::ssh::gluster
