#include "visualizer/state.h"

#include <algorithm>
#include <set>

namespace hadeploy::svc {
namespace {

constexpr std::size_t kMostEvents = 80;

std::string text_at(const Json& from, const char* place) {
    const Json::json_pointer pointer(place);
    return from.contains(pointer) && from.at(pointer).is_string()
               ? from.at(pointer).get<std::string>()
               : std::string();
}

std::int64_t number_at(const Json& from, const char* place) {
    const Json::json_pointer pointer(place);
    return from.contains(pointer) && from.at(pointer).is_number_integer()
               ? from.at(pointer).get<std::int64_t>()
               : 0;
}

bool flag_at(const Json& from, const char* place) {
    const Json::json_pointer pointer(place);
    return from.contains(pointer) && from.at(pointer).is_boolean() && from.at(pointer).get<bool>();
}

bool is_over(const std::string& phase) {
    return phase == "failed" || phase == "lost" || phase == "gone";
}

const Json* find_by_id(const Json& list, const std::string& id) {
    for (const Json& item : list)
        if (item.at("id") == id) return &item;
    return nullptr;
}

Json node_view(const Json& node) {
    return {{"id", text_at(node, "/ID")},
            {"name", text_at(node, "/Description/Hostname")},
            {"role", text_at(node, "/Spec/Role")},
            {"availability", text_at(node, "/Spec/Availability")},
            {"status", text_at(node, "/Status/State")},
            {"message", text_at(node, "/Status/Message")},
            {"address", text_at(node, "/Status/Addr")},
            {"leader", flag_at(node, "/ManagerStatus/Leader")},
            {"reachability", text_at(node, "/ManagerStatus/Reachability")},
            {"engine", text_at(node, "/Description/Engine/EngineVersion")},
            {"cpus", number_at(node, "/Description/Resources/NanoCPUs") / 1'000'000'000},
            {"memory", number_at(node, "/Description/Resources/MemoryBytes")}};
}

std::string short_name(const std::string& name, const std::string& stack) {
    const bool prefixed = !stack.empty() && name.starts_with(stack + "_");
    return prefixed ? name.substr(stack.size() + 1) : name;
}

Json service_view(const Json& service) {
    const std::string name = text_at(service, "/Spec/Name");
    const std::string stack = text_at(service, "/Spec/Labels/com.docker.stack.namespace");
    const bool global = service.contains(Json::json_pointer("/Spec/Mode/Global"));
    Json ports = Json::array();
    const Json::json_pointer published("/Endpoint/Ports");
    if (service.contains(published))
        for (const Json& port : service.at(published))
            if (const std::int64_t number = number_at(port, "/PublishedPort"); number != 0)
                ports.push_back(number);
    return {{"id", text_at(service, "/ID")},
            {"name", name},
            {"short", short_name(name, stack)},
            {"stack", stack},
            {"mode", global ? "global" : "replicated"},
            {"image", text_at(service, "/Spec/TaskTemplate/ContainerSpec/Image")},
            {"desired", global ? 0 : number_at(service, "/Spec/Mode/Replicated/Replicas")},
            {"running", 0},
            {"ports", std::move(ports)},
            {"update", text_at(service, "/UpdateStatus/State")}};
}

Json task_view(const Json& task, const Json& nodes, const Json& services) {
    const std::string service_id = text_at(task, "/ServiceID");
    const std::string node_id = text_at(task, "/NodeID");
    const Json* service = find_by_id(services, service_id);
    const Json* node = find_by_id(nodes, node_id);
    const std::string node_name = node != nullptr ? node->at("name").get<std::string>() : "";
    const std::int64_t slot = number_at(task, "/Slot");
    const std::string state = text_at(task, "/Status/State");
    const std::string desired = text_at(task, "/DesiredState");
    const std::string base =
        service != nullptr ? service->at("short").get<std::string>() : "removed service";
    return {{"id", text_at(task, "/ID")},
            {"service", service_id},
            {"node", node_id},
            {"node_name", node_name},
            {"slot", slot},
            {"name", base + "." + (slot != 0 ? std::to_string(slot) : node_name)},
            {"state", state},
            {"desired", desired},
            {"phase", phase_of(state, desired, node != nullptr && node->at("status") == "down")},
            {"since", text_at(task, "/Status/Timestamp")},
            {"created", text_at(task, "/CreatedAt")},
            {"message", text_at(task, "/Status/Message")},
            {"error", text_at(task, "/Status/Err")},
            {"container", text_at(task, "/Status/ContainerStatus/ContainerID").substr(0, 12)}};
}

Json cluster_view(const Json& nodes) {
    std::int64_t managers = 0;
    std::int64_t reachable = 0;
    std::string leader;
    for (const Json& node : nodes) {
        if (node.at("role") != "manager") continue;
        ++managers;
        reachable += node.at("reachability") == "reachable" ? 1 : 0;
        if (node.at("leader")) leader = node.at("name");
    }
    const std::int64_t needed = managers / 2 + 1;
    return {{"managers", managers},
            {"reachable", reachable},
            {"needed", needed},
            {"quorum", managers > 0 && reachable >= needed},
            {"spare", std::max<std::int64_t>(0, reachable - needed)},
            {"leader", leader}};
}

/// Counts the running tasks of each service, and the desired tasks of a global one.
void count_tasks(Json& services, const Json& tasks) {
    for (Json& service : services) {
        const auto of_service = [&](const Json& task) {
            return task.at("service") == service["id"];
        };
        service["running"] = std::count_if(tasks.begin(), tasks.end(), [&](const Json& task) {
            return of_service(task) && task.at("phase") == "running";
        });
        if (service["mode"] == "global")
            service["desired"] = std::count_if(tasks.begin(), tasks.end(), [&](const Json& task) {
                return of_service(task) && task.at("desired") == "running";
            });
    }
}

void sort_by(Json& list, const char* key) {
    std::sort(list.begin(), list.end(), [key](const Json& a, const Json& b) {
        return std::pair(a.at(key), a.at("id")) < std::pair(b.at(key), b.at("id"));
    });
}

} // namespace

std::string phase_of(const std::string& state, const std::string& desired, bool node_is_down) {
    if (state == "failed" || state == "rejected") return "failed";
    if (state == "orphaned") return "lost";
    if (state == "complete" || state == "shutdown" || state == "remove") return "gone";
    if (node_is_down) return "lost";
    const bool should_run = desired == "running" || desired == "ready" || desired == "complete";
    if (!should_run) return "stopping";
    return state == "running" ? "running" : "starting";
}

void SwarmPicture::update(const DockerLists& lists, const std::string& at, Time now) {
    Json nodes = Json::array();
    for (const Json& node : lists.nodes) nodes.push_back(node_view(node));
    Json services = Json::array();
    for (const Json& service : lists.services) services.push_back(service_view(service));
    Json tasks = Json::array();
    for (const Json& task : lists.tasks) tasks.push_back(task_view(task, nodes, services));
    sort_by(nodes, "name");
    sort_by(services, "name");
    sort_by(tasks, "name");
    tasks = without_old(tasks, now);
    count_tasks(services, tasks);
    if (!first_) {
        compare_nodes(nodes, at);
        compare_services(services, at);
        compare_tasks(tasks, at);
    }
    first_ = false;
    cluster_ = cluster_view(nodes);
    nodes_ = std::move(nodes);
    services_ = std::move(services);
    tasks_ = std::move(tasks);
}

Json SwarmPicture::without_old(const Json& tasks, Time now) {
    std::map<std::string, Seen> still_ended;
    Json kept = Json::array();
    for (const Json& task : tasks) {
        if (!is_over(task.at("phase"))) {
            kept.push_back(task);
            continue;
        }
        const std::string id = task.at("id");
        const auto known = ended_.find(id);
        // By this program's clock, because the clocks of the nodes may differ.
        const Seen seen = known != ended_.end() ? known->second : Seen{now, first_};
        still_ended.emplace(id, seen);
        if (!seen.was_there_ended && now - seen.ended < kAfterglow) kept.push_back(task);
    }
    ended_ = std::move(still_ended);
    return kept;
}

void SwarmPicture::note(const std::string& at, const std::string& level, const std::string& text) {
    events_.push_front({{"at", at}, {"level", level}, {"text", text}});
    if (events_.size() > kMostEvents) events_.pop_back();
}

void SwarmPicture::compare_nodes(const Json& nodes, const std::string& at) {
    for (const Json& node : nodes) {
        const std::string name = node.at("name");
        const Json* before = find_by_id(nodes_, node.at("id"));
        if (before == nullptr) {
            note(at, "good", name + " joined the swarm");
            continue;
        }
        const std::string status = node.at("status");
        const std::string availability = node.at("availability");
        if (before->at("status") != status)
            note(at, status == "ready" ? "good" : "bad", name + " is " + status);
        if (before->at("availability") != availability)
            note(at, availability == "active" ? "good" : "warn",
                 name + " was set to " + availability);
        if (node.at("leader") && !before->at("leader"))
            note(at, "info", name + " is the leader now");
        if (before->at("reachability") == "reachable" && node.at("reachability") == "unreachable")
            note(at, "bad", "manager " + name + " is unreachable");
    }
    for (const Json& node : nodes_)
        if (find_by_id(nodes, node.at("id")) == nullptr)
            note(at, "warn", node.at("name").get<std::string>() + " left the swarm");
}

void SwarmPicture::compare_services(const Json& services, const std::string& at) {
    for (const Json& service : services) {
        const std::string name = service.at("short");
        const Json* before = find_by_id(services_, service.at("id"));
        if (before == nullptr)
            note(at, "info", "service " + name + " was created");
        else if (service.at("mode") == "replicated" &&
                 before->at("desired") != service.at("desired"))
            note(at, "info",
                 "service " + name + " scaled from " + before->at("desired").dump() + " to " +
                     service.at("desired").dump());
    }
    for (const Json& service : services_)
        if (find_by_id(services, service.at("id")) == nullptr)
            note(at, "warn", "service " + service.at("short").get<std::string>() + " was removed");
}

void SwarmPicture::compare_tasks(const Json& tasks, const std::string& at) {
    for (const Json& task : tasks) {
        const Json* before = find_by_id(tasks_, task.at("id"));
        const std::string phase = task.at("phase");
        const std::string where = task.at("node_name");
        const bool placed_now = before == nullptr || before->at("node") != task.at("node");
        if (before != nullptr && before->at("phase") == phase && !placed_now) continue;
        const std::string name = task.at("name");
        const std::string on = where.empty() ? "" : " on " + where;
        const std::string error = task.at("error");
        if (phase == "starting")
            note(at, "info", where.empty() ? name + " waits for a node" : name + " starts" + on);
        else if (phase == "running")
            note(at, "good", name + " runs" + on);
        else if (phase == "stopping")
            note(at, "warn", name + " is being stopped" + on);
        else if (phase == "failed")
            note(at, "bad", name + " failed" + on + (error.empty() ? "" : ": " + error));
        else if (phase == "lost")
            note(at, "bad", name + " is lost with " + (where.empty() ? "its node" : where));
        else
            note(at, "info", name + " ended" + on);
    }
}

Json SwarmPicture::to_json() const {
    return {{"cluster", cluster_},
            {"nodes", nodes_},
            {"services", services_},
            {"tasks", tasks_},
            {"events", Json(events_)}};
}

} // namespace hadeploy::svc
