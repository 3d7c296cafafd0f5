#include "embedded/scripts.h"
#include "providers/ssh/docker_script.h"
#include "providers/ssh/ssh_type.h"

#include <fmt/format.h>
#include <set>

namespace hadeploy::ssh::docker {

namespace {
using Json = nlohmann::json;

Attribute managers_attribute() {
    return {.name = "hosts",
            .type = map_of(TypeKind::connection),
            .doc = "Members of the swarm. hadeploy queries the first one that it can reach, which "
                   "must be a manager.",
            .required = true,
            .min = 1};
}

/// Sends no request if Docker is stopped.
std::string api_probe(std::string_view paths) {
    return functions() + fmt::format("docker_up || {{ echo stopped; exit 0; }}\n"
                                     "docker_get {}\n",
                                     paths);
}

/// The replies to a probe with `count` requests, or the reason why there are none.
std::optional<Error> answers(const ProbeResult& result, std::size_t count,
                             std::vector<Reply>& replies) {
    if (result.out.starts_with("stopped"))
        return Error(ErrorKind::failed, "Docker does not run on this host")
            .with_hint("start it: systemctl start docker");
    return unusable(result, count, replies);
}

std::string text(const Json& object, const Json::json_pointer& at) {
    if (!object.is_object() || !object.contains(at) || !object.at(at).is_string()) return "";
    return object.at(at).get<std::string>();
}

std::string text(const Json& object, const char* at) {
    return text(object, Json::json_pointer(at));
}

using Names = std::map<std::string, std::string>; ///< by id

std::string name_in(const Names& names, const std::string& id) {
    const auto found = names.find(id);
    return found == names.end() ? id : found->second;
}

/// @param ready  gets the IDs of the nodes that report to the leader
Value nodes_of(const Json& nodes, Names& names, std::set<std::string>& ready) {
    Value::List out;
    for (const Json& n : nodes) {
        const std::string id = text(n, "/ID"), name = text(n, "/Description/Hostname");
        names[id] = name;
        if (text(n, "/Status/State") == "ready") ready.insert(id);
        const Json::json_pointer leader("/ManagerStatus/Leader");
        out.push_back(
            Value::map({{"id", id},
                        {"name", name},
                        {"address", text(n, "/Status/Addr")},
                        {"role", text(n, "/Spec/Role")},
                        {"status", text(n, "/Status/State")},
                        {"availability", text(n, "/Spec/Availability")},
                        {"leader", n.contains(leader) && n.at(leader) == true},
                        {"reachable", text(n, "/ManagerStatus/Reachability") == "reachable"}}));
    }
    return Value::list(std::move(out));
}

/// A new leader lists the last state of all tasks, but does not know about the tasks of a node that
/// has not reported to it yet: only tasks on `ready` nodes count as running.
Value tasks_of(const Json& tasks, const Names& nodes, const std::set<std::string>& ready,
               const Names& services, std::map<std::string, std::int64_t>& running,
               std::map<std::string, std::int64_t>& wanted) {
    Value::List out;
    for (const Json& t : tasks) {
        const std::string service = text(t, "/ServiceID");
        const std::string state = text(t, "/Status/State"), desired = text(t, "/DesiredState");
        if (desired == "running") ++wanted[service];
        if (desired == "running" && state == "running" && ready.contains(text(t, "/NodeID")))
            ++running[service];
        const std::int64_t slot = t.value("Slot", std::int64_t{0});
        out.push_back(Value::map({{"id", text(t, "/ID")},
                                  {"service", name_in(services, service)},
                                  {"slot", slot == 0 ? "" : std::to_string(slot)},
                                  {"node", name_in(nodes, text(t, "/NodeID"))},
                                  {"state", state},
                                  {"desired", desired},
                                  {"error", text(t, "/Status/Err")},
                                  {"since", text(t, "/Status/Timestamp")}}));
    }
    return Value::list(std::move(out));
}

/// The number of tasks that a service should have. For a global service it is the number that the
/// swarm has created.
std::int64_t desired_tasks(const Json& service, std::int64_t made) {
    const Json::json_pointer replicas("/Spec/Mode/Replicated/Replicas");
    if (service.contains(replicas) && service.at(replicas).is_number_integer())
        return service.at(replicas).get<std::int64_t>();
    return made;
}

class DockerCluster final : public SshType {
  public:
    DockerCluster() {
        name = "docker.cluster";
        summary = "The current state of a swarm: its nodes, services and tasks.";
        doc = "Read-only: it never changes anything. Everything is read from one manager, so that "
              "nodes, services and tasks are consistent.";
        example = "swarm:\n"
                  "  type: docker.cluster\n"
                  "  hosts: ${var.hosts}\n";
        adopts = true;
        schema = {
            managers_attribute(),
            {.name = "nodes",
             .type = list_of(TypeKind::any),
             .doc =
                 "For each node: id, name, address, role, status, availability, leader, reachable.",
             .computed = true},
            {.name = "services",
             .type = list_of(TypeKind::any),
             .doc = "For each service: id, name, the number of desired tasks, and the number of "
                    "running tasks on ready nodes.",
             .computed = true},
            {.name = "tasks",
             .type = list_of(TypeKind::any),
             .doc = "For each task, including past tasks that Docker still lists: id, service, "
                    "slot, node, state, desired, error, since.",
             .computed = true}};
    }

    std::string probe(const ReadRequest& /*request*/) const override {
        return api_probe("/nodes /services /tasks");
    }

    Observation parse(const ReadRequest& /*request*/, const ProbeResult& result) const override {
        std::vector<Reply> replies;
        if (auto error = answers(result, 3, replies)) return Observation::failed(std::move(*error));
        for (const Reply& reply : replies)
            if (!reply.body.is_array())
                return Observation::failed(
                    Error(ErrorKind::failed, "Docker answered with something other than a list"));
        Names nodes, services;
        std::map<std::string, std::int64_t> running, wanted;
        std::set<std::string> ready;
        const Value node_list = nodes_of(replies[0].body, nodes, ready);
        for (const Json& s : replies[1].body) services[text(s, "/ID")] = text(s, "/Spec/Name");
        const Value task_list = tasks_of(replies[2].body, nodes, ready, services, running, wanted);
        Value::List service_list;
        for (const Json& s : replies[1].body) {
            const std::string id = text(s, "/ID");
            service_list.push_back(Value::map({{"id", id},
                                               {"name", text(s, "/Spec/Name")},
                                               {"desired", desired_tasks(s, wanted[id])},
                                               {"running", running[id]}}));
        }
        return Observation::present(Value::map({{"nodes", node_list},
                                                {"services", Value::list(std::move(service_list))},
                                                {"tasks", task_list}}));
    }

    std::vector<Command> commands(const Change& /*change*/) const override { return {}; }
};

class DockerDrain final : public SshType {
  public:
    DockerDrain() {
        name = "docker.drain";
        summary = "Takes a swarm node out of service for a limited time.";
        doc = "Drains the node, so that its tasks move to other nodes. Before that, it sets a "
              "timer on the manager that makes the node active again after `undo_after`, even if "
              "hadeploy has ended by then. Destroy makes the node active and removes the "
              "timer.\n\n"
              "A swarm stops the tasks of a drained node before it starts their replacements. So "
              "replicated "
              "services with `order: start-first` in their `update_config` are moved first: each "
              "of their tasks stops after its successor on another node is healthy. If that takes "
              "longer than `handover_timeout`, the node stays active and the change fails.\n\n"
              "Use it for drills (`hadeploy chaos`) and maintenance. To drain a node permanently, "
              "set `availability` of its docker.node instead.";
        example = "maintenance:\n"
                  "  type: docker.drain\n"
                  "  hosts: ${var.hosts}\n"
                  "  node: node2\n"
                  "  undo_after: 30m\n";
        adopts = true;
        schema = {managers_attribute(),
                  {.name = "node",
                   .type = TypeKind::name,
                   .doc = "Name or ID of the node in the swarm.",
                   .required = true,
                   .replaces = true},
                  {.name = "undo_after",
                   .type = TypeKind::duration,
                   .doc = "The longest time that the node stays drained. After that, the timer "
                          "makes it active again.",
                   .operational = true,
                   .default_value = Value(1'800'000),
                   .min = 1000},
                  {.name = "handover_timeout",
                   .type = TypeKind::duration,
                   .doc = "How long to wait for the tasks that are started elsewhere before the "
                          "drain. `0s` drains the node immediately.",
                   .operational = true,
                   .default_value = Value(kHandoverTimeout),
                   .min = 0}};
        bound_steps();
    }

    std::vector<std::string> claims(const Value& config) const override {
        if (!config["node"].is_string()) return {};
        return {fmt::format("availability of the swarm node {}", config.text("node"))};
    }

    std::string probe(const ReadRequest& request) const override {
        return api_probe(shell_quote("/nodes/" + request.config.text("node")));
    }

    Observation parse(const ReadRequest& /*request*/, const ProbeResult& result) const override {
        std::vector<Reply> replies;
        if (auto error = answers(result, 1, replies)) return Observation::failed(std::move(*error));
        const bool drained = text(replies[0].body, "/Spec/Availability") == "drain";
        return drained ? Observation::present(Value::map({})) : Observation::absent();
    }

    std::vector<Command> commands(const Change& change) const override {
        const bool removing = change.kind == Change::Kind::remove;
        const Value& config = removing ? change.before : change.after;
        const std::string node = config.text("node");
        const std::int64_t patience = config.integer("handover_timeout", kHandoverTimeout);
        const std::string variables =
            fmt::format("node={} unit={} seconds={} patience={} undo={}\n", shell_quote(node),
                        shell_quote("hadeploy-undo-" + node),
                        (config.integer("undo_after", 1'800'000) + patience + 999) / 1000,
                        (patience + 999) / 1000, shell_quote(scripts::docker_drain_undo));
        const std::string head = functions() + std::string(scripts::docker_handover) + variables;
        if (removing)
            return {{.script = head + std::string(scripts::docker_drain_disarm),
                     .step = "making the node active"}};
        return {{.script = head + std::string(scripts::docker_drain_arm),
                 .step = "setting the undo timer"},
                {.script = head + std::string(scripts::docker_drain_move),
                 .step = "moving tasks that may overlap"},
                {.script = head + std::string(scripts::docker_drain), .step = "draining the node"}};
    }
};

} // namespace

std::unique_ptr<SshType> docker_cluster_type() {
    return std::make_unique<DockerCluster>();
}
std::unique_ptr<SshType> docker_drain_type() {
    return std::make_unique<DockerDrain>();
}

} // namespace hadeploy::ssh::docker
