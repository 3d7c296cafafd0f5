#include "embedded/scripts.h"
#include "providers/ssh/gluster_script.h"
#include "providers/ssh/gluster_types.h"

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
};

GlusterPool::GlusterPool() {
    name = "gluster.pool";
    summary = "A Gluster trusted storage pool.";
    doc = "Every host in `hosts` becomes a member under its key as name. All members must be able "
          "to resolve these names (see host.hosts), and glusterd must run on each host (see "
          "host.package and host.service).\n\n"
          "A host that is in another pool, or has volumes of its own, is an error. A member that "
          "is not in the spec is drift and is removed; gluster refuses to remove a member that "
          "holds bricks.\n\n"
          "Gluster trusts its network: any machine that can reach ports 24007 and 24008 of a "
          "member can administer the pool, and access to the bricks of a volume (49152 and up) is "
          "controlled by address only. Make these ports accessible to the members only, with a "
          "separate network or a firewall.\n\n"
          "Destroy dissolves the pool.";
    example = "pool:\n"
              "  type: gluster.pool\n"
              "  hosts: ${var.hosts}\n";
    adopts = true;
    remove_may_leave = true; // each host remains in a pool of its own
    schema = {
        hosts_attribute("All members, by name."),
        {.name = "members",
         .type = list_of(TypeKind::string),
         .doc = "The names of the members.",
         .computed = true},
    };
    bound_steps();
}

Value GlusterPool::derive(const Value& config) const {
    if (!config["hosts"].is_map()) return Value::map({{"members", Value::unknown()}});
    Value::List names;
    for (const Host& host : hosts_of(config["hosts"])) names.push_back(host.name);
    return Value::map({{"members", Value::list(std::move(names))}});
}

Observation GlusterPool::parse(const ReadRequest& request, const ProbeResult& result) const {
    std::string_view out = result.out;
    if (out.starts_with("== missing")) return Observation::absent();
    const std::vector<Host> hosts = hosts_of(request.config["hosts"]);
    const std::string own = "\n" + section(out, "own");
    std::set<std::string> members;
    std::vector<std::string> strangers;
    for (const Host& host : hosts)
        if (own.find("\n" + host.address() + "\n") != std::string::npos) members.insert(host.name);
    if (members.empty())
        for (const Host& host : hosts)
            if (own.ends_with("\n" + host.name + "\n")) members.insert(host.name);
    bool alone = true;
    for (std::size_t at = out.find("== peer\n"); at != std::string_view::npos;
         at = out.find("== peer\n", at + 1)) {
        std::string state, name;
        std::string known;
        for (const auto& [key, value] : pairs(section(out.substr(at), "peer"))) {
            if (key == "state") state = value;
            if (!key.starts_with("hostname")) continue;
            if (name.empty()) name = value;
            for (const Host& host : hosts)
                if (host.name == value || host.address() == value) known = host.name;
        }
        if (state != "3" && state != "4") continue; // not a member yet, or no longer
        alone = false;
        if (known.empty()) strangers.push_back(name);
        members.insert(known.empty() ? name : known);
    }
    if (alone && hosts.size() > 1) return Observation::absent();
    Value::List names(members.begin(), members.end());
    Observation seen =
        Observation::present(Value::map({{"members", Value::list(std::move(names))}}));
    if (request.recorded == nullptr && !strangers.empty())
        seen.foreign = fmt::format("the pool has members that are not in the spec: {}",
                                   fmt::join(strangers, ", "));
    return seen;
}

std::vector<Command> GlusterPool::commands(const Change& change) const {
    std::string come, go;
    const std::set<std::string> wanted = name_set(change.after["members"]);
    for (const Host& host : hosts_of(change.after["hosts"])) come += line_of(host);
    std::vector<Host> known = hosts_of(change.before["hosts"]);
    for (const std::string& member : name_set(change.before["members"])) {
        if (wanted.contains(member)) continue;
        const auto host = std::find_if(known.begin(), known.end(),
                                       [&](const Host& h) { return h.name == member; });
        go += host == known.end() ? member + " " + member + "\n" : line_of(*host);
    }
    const auto command = [](std::string_view script, const std::string& hosts, std::string step) {
        return Command{.script = functions() + std::string(scripts::gluster_pool_own) +
                                 fmt::format("hosts={}\n", shell_quote(hosts)) +
                                 std::string(script),
                       .step = std::move(step)};
    };
    while (!come.empty() && come.back() == '\n') come.pop_back();
    while (!go.empty() && go.back() == '\n') go.pop_back();
    std::vector<Command> list;
    if (!come.empty())
        list.push_back(command(scripts::gluster_pool_join, come, "adding members to the pool"));
    if (!go.empty())
        list.push_back(command(scripts::gluster_pool_detach, go, "removing members from the pool"));
    return list;
}

} // namespace

std::unique_ptr<SshType> gluster_pool_type() {
    return std::make_unique<GlusterPool>();
}

} // namespace hadeploy::ssh::gluster
