#include "embedded/scripts.h"

#include "core/secrecy.h"
#include "providers/ssh/docker_script.h"
#include "providers/ssh/docker_types.h"
#include "providers/ssh/host.h"

#include <algorithm>
#include <fmt/format.h>

namespace hadeploy::ssh::docker {

namespace {
using Json = nlohmann::json;

constexpr std::string_view kReady = "ready";
constexpr std::int64_t kDrainTimeout = 180'000;      // milliseconds
constexpr std::chrono::seconds kRestartTimeout{300}; // for all tasks of a service

std::string address_of(const Value& config) {
    const std::string wanted = config.text("advertise");
    return wanted.empty() ? config["host"].text("address") : wanted;
}

/// A script with the functions and variables that it needs. The scripts pass results to the next
/// one as lines on standard output: nothing (no swarm), `refuse REASON`, or `swarm ID`, `token
/// TOKEN`, `managers ADDRESS:PORT,...`.
std::string
swarm_script(std::string_view body,
             std::initializer_list<std::pair<std::string_view, std::string>> variables) {
    std::string out = functions();
    for (const auto& [name, value] : variables)
        out += fmt::format("{}={}\n", name, shell_quote(value));
    return out + std::string(body);
}

/// A script after the perl sub `undiscovered`.
std::string with_discovery(std::string_view body) {
    return fmt::format("{}{}{}", scripts::docker_stack_json, scripts::docker_undiscovered, body);
}

/// The attributes in one entry of the node list.
Value attributes_of(const Json& node) {
    const Json spec = node.value("Spec", Json::object());
    Value::Map labels;
    const Json listed = spec.value("Labels", Json::object());
    if (listed.is_object())
        for (const auto& [key, value] : listed.items())
            labels.push_back({key, value.get<std::string>()});
    Value seen = Value::map({{"node_id", node.value("ID", "")},
                             {"role", spec.value("Role", "")},
                             {"availability", spec.value("Availability", "")},
                             {"labels", Value::map(std::move(labels))}});
    const std::string name = node.value("/Description/Hostname"_json_pointer, "");
    if (!name.empty()) seen = seen.with("name", name);
    // after a leader change a node is "unknown" until it reports: that is not drift
    const std::string state = node.value("/Status/State"_json_pointer, "");
    if (!state.empty() && state != "unknown") seen = seen.with("status", state);
    return seen;
}

const Json* find_node(const Reply& nodes, const std::string& id) {
    if (!nodes.body.is_array()) return nullptr;
    for (const Json& node : nodes.body)
        if (node.value("ID", "") == id) return &node;
    return nullptr;
}

class DockerNode final : public SshType {
  public:
    DockerNode();
    std::string votes_in(const Value& config) const override {
        if (config.text("role") != "manager" || !config["peers"].is_map()) return {};
        std::string names;
        for (const Entry& e : config["peers"].as_map())
            names += (names.empty() ? "" : ", ") + e.key;
        return "the swarm of " + names;
    }
    std::vector<std::string> claims(const Value& config) const override {
        return claim_of_host(config, "swarm membership of");
    }
    std::vector<std::string> needs(const Value& config) const override {
        return claim_of_host(config, "Docker on");
    }
    ClusterMembers members(const Value& config) const override {
        ClusterMembers out{
            .all = true, .place = machine_of(config["host"]), .name = config.text("name")};
        for (const Value& peer : connections(config["peers"])) {
            out.places.push_back(machine_of(peer));
            if (out.places.back().empty()) return {}; // not known yet
        }
        return out;
    }
    /// Two nodes that find no swarm at the same time would each create one, and a join token is
    /// rotated after its use.
    std::vector<std::string> exclusive(const Value& config) const override {
        std::vector<std::string> names;
        for (const Value& peer : connections(config["peers"]))
            names.push_back("the swarm of " + peer.text("address"));
        return names;
    }
    std::string probe(const ReadRequest& /*request*/) const override {
        return swarm_script(with_discovery(scripts::docker_node_probe),
                            {{"marker", std::string(kNodeMarker)}});
    }
    Observation parse(const ReadRequest& request, const ProbeResult& result) const override;
    std::vector<Command> commands(const Change& change) const override;

  private:
    static Observation seen_from_a_peer(const std::string& node_id, const Reply& nodes);
    static Observation own(const Json& swarm, const Reply& nodes);
    static std::vector<Command> join(const Change& change);
    static std::vector<Command> update(const Change& change);
    static std::vector<Command> leave(const Change& change);
};

DockerNode::DockerNode() {
    name = "docker.node";
    summary = "A host's membership in a Docker swarm.";
    doc =
        "It needs Docker on all peers: list the `docker.engine` in `depends_on`. If no peer is "
        "in a swarm, the first node creates one; every other node joins the swarm of its peers, "
        "one at a time. The join token is passed from a peer to the new node, is never stored, "
        "and is rotated as soon as it has been used. If the swarm still lists a node with the same "
        "address that is down (left by a machine that was replaced), that node is removed from the "
        "swarm first.\n\n"
        "Drift that is repaired: role, availability, labels, heartbeat, a node that is not ready, "
        "and a manager with a running task that is missing in the swarm's service discovery "
        "(Docker loses a task that starts while the leader changes: the swarm counts it, but no "
        "client finds it); the tasks of its service are restarted one after the other. If the "
        "managers have lost their quorum, apply waits two minutes for it and then reports what to "
        "do. If the other managers have a quorum but the node's Docker does not reconnect, apply "
        "restarts Docker once.\n\n"
        "It is an error if the node is in a swarm that hadeploy did not join it to; hadeploy "
        "never makes it leave that swarm. A change that would cost the swarm its quorum is "
        "refused.\n\n"
        "Destroy moves the node's tasks to other nodes, those of services with `order: "
        "start-first` before they are stopped, waits until all services have their tasks, demotes "
        "the node and leaves the swarm; then a peer removes its entry. If the machine no longer "
        "exists, a peer does the remaining steps.";
    example = "swarm:\n"
              "  type: docker.node\n"
              "  for_each: ${var.hosts}\n"
              "  host: ${each.value}\n"
              "  peers: ${var.hosts}\n"
              "  role: manager\n";
    schema = {
        host_attribute(),
        {.name = "peers",
         .type = map_of(TypeKind::connection),
         .doc = "All members of the swarm, including this one. The node joins the swarm of these "
                "peers.",
         .required = true,
         .operational = true,
         .min = 1},
        {.name = "name",
         .type = TypeKind::name,
         .doc = "The host name as shown by `docker node ls`. If it is set, it must match."},
        {.name = "role",
         .type = TypeKind::string,
         .doc =
             "Use an odd number of managers, at least three, to survive the loss of some of them.",
         .default_value = Value("manager"),
         .one_of = {"manager", "worker"}},
        {.name = "availability",
         .type = TypeKind::string,
         .doc = "`drain` moves the node's tasks to other nodes; `pause` only assigns no new ones.",
         .default_value = Value("active"),
         .one_of = {"active", "drain", "pause"}},
        {.name = "labels",
         .type = map_of(TypeKind::string),
         .doc = "All labels of the node, for placement constraints.",
         .default_value = Value::map({})},
        {.name = "advertise",
         .type = TypeKind::ipv4,
         .doc = "The address at which other members reach the node. Default: the address of the "
                "connection.",
         .replaces = true},
        {.name = "heartbeat",
         .type = TypeKind::duration,
         .doc = "How often nodes report to the swarm. This setting applies to the whole swarm, so "
                "it must be the same on all nodes. A node is down shortly after three missed "
                "reports. If it is not set, it is left unchanged; the default of a new swarm is "
                "5s.",
         .min = 1000},
        {.name = "drain_timeout",
         .type = TypeKind::duration,
         .doc = "How long a removal waits at most for the node's tasks to move, for the rest of "
                "them to end, and then for their successors to run.",
         .operational = true,
         .default_value = Value(kDrainTimeout)},
        {.name = "node_id",
         .type = TypeKind::string,
         .doc = "Docker's ID of the node.",
         .computed = true,
         .open = true},
        {.name = "swarm_id",
         .type = TypeKind::string,
         .doc = "Docker's ID of the swarm; known on managers only.",
         .computed = true,
         .tracked = true,
         .open = true},
        {.name = "status",
         .type = TypeKind::string,
         .doc = "`ready`, or the reason why the node is not ready: `down`, `no quorum`, `locked`, "
                "..., or `not in service discovery:` and services",
         .computed = true,
         .tracked = true,
         .open = true,
         .verb = "repair"},
    };
    bound_steps();
}

Observation DockerNode::seen_from_a_peer(const std::string& node_id, const Reply& nodes) {
    if (nodes.status != 200 || !nodes.body.is_array())
        return Observation::blocked(Error(
            ErrorKind::failed, "the swarm cannot be read from this host: " + nodes.message()));
    const Json* node = find_node(nodes, node_id);
    return node ? Observation::present(attributes_of(*node)) : Observation::absent();
}

Observation DockerNode::own(const Json& swarm, const Reply& nodes) {
    const std::string state = swarm.value("LocalNodeState", "");
    const std::string id = swarm.value("NodeID", "");
    Value seen = Value::map({{"node_id", id}});
    if (state != "active") return Observation::present(seen.with("status", state));
    const bool manager = swarm.value("ControlAvailable", false);
    const std::string swarm_id = swarm.value("/Cluster/ID"_json_pointer, "");
    if (const Json* node = find_node(nodes, id)) {
        seen = attributes_of(*node);
    } else {
        seen = seen.with("role", manager ? "manager" : "worker")
                   .with("status", manager ? "no quorum" : kReady);
    }
    if (!swarm_id.empty()) seen = seen.with("swarm_id", swarm_id);
    constexpr std::int64_t kNanoseconds = 1'000'000; // per millisecond
    const std::int64_t heartbeat =
        swarm.value("/Cluster/Spec/Dispatcher/HeartbeatPeriod"_json_pointer, std::int64_t{0});
    if (heartbeat > 0) seen = seen.with("heartbeat", heartbeat / kNanoseconds);
    return Observation::present(std::move(seen));
}

Observation DockerNode::parse(const ReadRequest& request, const ProbeResult& result) const {
    const std::string_view out = result.out;
    if (out.starts_with("none")) return Observation::absent();
    if (out.starts_with("stopped"))
        return Observation::blocked(
            Error(ErrorKind::failed, fmt::format("Docker does not run on {}",
                                                 named(request.config["host"], "address")))
                .with_hint("start it (systemctl start docker), or add a docker.engine on which "
                           "this resource depends"));
    const std::vector<Reply> replies = parse_replies(out);
    if (replies.size() < 2 || replies[0].status != 200 || !replies[0].body.is_object())
        throw Error(ErrorKind::failed, replies.empty() ? "Docker does not answer: " + result.err
                                                       : replies[0].message());
    const Json swarm = replies[0].body.value("Swarm", Json::object());
    const bool ours = line_after(out, "up ") == request.identity;
    const std::string known = request.recorded ? request.recorded->attributes.text("node_id") : "";
    const std::string state = swarm.value("LocalNodeState", "");
    if (state.empty())
        throw Error(ErrorKind::failed, "Docker does not say whether the node is in a swarm");
    if (state == "inactive") return Observation::absent();
    if (!ours && !known.empty() && known != swarm.value("NodeID", ""))
        return seen_from_a_peer(known, replies[1]);
    Observation seen = own(swarm, replies[1]);
    const std::string lost = line_after(out, "undiscovered ");
    if (!lost.empty() && seen.attributes.text("status") == kReady)
        seen.attributes =
            seen.attributes.with("status", fmt::format("not in service discovery: {}", lost));
    if (!ours)
        seen.foreign =
            fmt::format("{} is in a swarm (node {}) that hadeploy did not join it to; to make it "
                        "leave: docker swarm leave --force",
                        named(request.config["host"], "address"), swarm.value("NodeID", ""));
    return seen;
}

std::vector<Command> DockerNode::commands(const Change& change) const {
    switch (change.kind) {
    case Change::Kind::create: return join(change);
    case Change::Kind::update: return update(change);
    case Change::Kind::remove: return leave(change);
    }
    return {};
}

std::string update_options(const Value& before, const Value& after) {
    std::string out = fmt::format("--availability {}", after.text("availability", "active"));
    if (before.text("role", after.text("role")) != after.text("role"))
        out += " --role " + after.text("role");
    const Value none = Value::map({});
    const Value& old_labels = before["labels"].is_map() ? before["labels"] : none;
    const Value& new_labels = after["labels"].is_map() ? after["labels"] : none;
    for (const Entry& e : new_labels.as_map())
        out += " --label-add " + shell_quote(e.key + "=" + e.value.as_string());
    for (const Entry& e : old_labels.as_map())
        if (!new_labels.has(e.key)) out += " --label-rm " + shell_quote(e.key);
    return out;
}

std::vector<Command> DockerNode::join(const Change& change) {
    const Value& config = change.after;
    const std::vector<Value> peers = connections(config["peers"]);
    std::vector<Command> list;
    if (!config.text("name").empty())
        list.push_back({.script = fmt::format("read -r name </proc/sys/kernel/hostname\n"
                                              "[ \"$name\" = {0} ] || {{ echo \"the host is called "
                                              "$name, not \"{0} >&2; exit 1; }}\n",
                                              shell_quote(config.text("name"))),
                        .step = "checking the host's name"});
    list.push_back(
        {.script = swarm_script(scripts::docker_node_admit,
                                {{"role", config.text("role")}, {"address", address_of(config)}}),
         .on = peers,
         .none_is_empty = true,
         .step = "checking whether the peers are in a swarm"});
    list.push_back({.script = swarm_script(scripts::docker_node_no_other_swarm, {}),
                    .on = peers,
                    .none_is_empty = true,
                    .step = "checking whether the peers are in a swarm"});
    const std::int64_t heartbeat = config.integer("heartbeat");
    list.push_back({.script = swarm_script(scripts::docker_node_join,
                                           {{"marker", std::string(kNodeMarker)},
                                            {"identity", change.identity},
                                            {"role", config.text("role")},
                                            {"address", address_of(config)},
                                            {"availability", config.text("availability")},
                                            {"heartbeat", heartbeat ? fmt::format("{}ms", heartbeat)
                                                                    : std::string()}}),
                    .step = "joining the swarm"});
    const Value& labels = config["labels"];
    if (labels.is_map() && !labels.as_map().empty()) {
        list.push_back({.script = "docker info --format '{{.Swarm.NodeID}}'\n",
                        .on = {config["host"]},
                        .step = "labelling the node"});
        list.push_back(
            {.script = swarm_script("read -r node\n" + std::string(scripts::docker_node_update),
                                    {{"options", update_options({}, config)}, {"demote", ""}}),
             .on = peers,
             .step = "labelling the node"});
    }
    return list;
}

std::vector<Command> DockerNode::update(const Change& change) {
    const auto is_changed = [&](std::string_view attribute) {
        return std::find(change.changed.begin(), change.changed.end(), attribute) !=
               change.changed.end();
    };
    if (is_changed("swarm_id"))
        throw Error(ErrorKind::conflict, fmt::format("{} has moved to a different swarm",
                                                     named(change.after["host"], "address")))
            .with_hint("make it leave that swarm (docker swarm leave --force), then apply again");
    const bool was_manager = change.before.text("role") == "manager";
    const bool demote = was_manager && change.after.text("role") == "worker";
    const std::vector<Value> others =
        connections(change.after["peers"], change.after["host"].text("address"));
    const auto settle = [](const std::string& role) {
        return Command{.script =
                           swarm_script(scripts::docker_node_settle,
                                        {{"role", role}, {"marker", std::string(kNodeMarker)}}),
                       .step = "waiting for the node to be ready"};
    };

    std::vector<Command> list;
    if (is_changed("status")) {
        if (!others.empty())
            list.push_back({.script = swarm_script(scripts::docker_node_still_listed,
                                                   {{"node", change.before.text("node_id")}}),
                            .on = others,
                            .none_is_empty = true,
                            .step = "checking whether the peers still list the node"});
        list.push_back(settle(change.before.text("role")));
        if (was_manager)
            list.push_back(
                {.script = swarm_script(with_discovery(scripts::docker_node_discover),
                                        {{"node", change.before.text("node_id")},
                                         {"patience", std::to_string(kRestartTimeout.count())}}),
                 .step = "restarting tasks that are missing in service discovery",
                 .waits = kRestartTimeout});
    }
    std::vector<Value> managers = others;
    if (was_manager) managers.insert(managers.begin(), change.after["host"]);
    if (is_changed("heartbeat") && change.after["heartbeat"].is_integer())
        list.push_back(
            {.script = swarm_script(
                 scripts::docker_node_heartbeat,
                 {{"heartbeat", fmt::format("{}ms", change.after.integer("heartbeat"))}}),
             .on = managers,
             .step = "setting the swarm's heartbeat"});
    if (is_changed("role") || is_changed("availability") || is_changed("labels")) {
        list.push_back(
            {.script = swarm_script(scripts::docker_node_update,
                                    {{"node", change.before.text("node_id")},
                                     {"options", update_options(change.before, change.after)},
                                     {"demote", demote ? "1" : ""}}),
             .on = std::move(managers),
             .step = "updating the node"});
        list.push_back(settle(change.after.text("role")));
    }
    return list;
}

std::vector<Command> DockerNode::leave(const Change& change) {
    const Value& config = change.before;
    const std::string node = config.text("node_id");
    const std::vector<Value> others = connections(config["peers"], config["host"].text("address"));
    const std::chrono::milliseconds wait(config.integer("drain_timeout", kDrainTimeout));
    const std::string grace = std::to_string(wait.count() / 1000);
    std::vector<Command> list;
    if (!others.empty())
        list.push_back(
            {.script = swarm_script(std::string(scripts::docker_handover) +
                                        std::string(scripts::docker_node_put_out),
                                    {{"node", node}, {"grace", grace}, {"patience", grace}}),
             .on = others,
             .none_is_empty = true,
             .step = "draining the node",
             .waits = 3 * wait});
    list.push_back({.script = swarm_script(scripts::docker_node_leave,
                                           {{"node", node}, {"marker", std::string(kNodeMarker)}}),
                    .step = "leaving the swarm"});
    if (!others.empty())
        list.push_back({.script = swarm_script(scripts::docker_node_forget, {{"node", node}}),
                        .on = others,
                        .none_is_empty = true,
                        .step = "removing the node from the list"});
    return list;
}

} // namespace

std::unique_ptr<SshType> docker_node_type() {
    return std::make_unique<DockerNode>();
}

} // namespace hadeploy::ssh::docker
