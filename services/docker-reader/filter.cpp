#include "docker-reader/filter.h"

#include "common/json.h"

#include <stdexcept>
#include <vector>

namespace hadeploy::svc {
namespace {

using Fields = std::vector<const char*>;

const Fields kInfo = {"/Name",
                      "/ServerVersion",
                      "/Swarm/NodeID",
                      "/Swarm/LocalNodeState",
                      "/Swarm/ControlAvailable",
                      "/Swarm/Managers",
                      "/Swarm/Nodes"};

const Fields kNode = {"/ID",
                      "/Spec/Role",
                      "/Spec/Availability",
                      "/Description/Hostname",
                      "/Description/Engine/EngineVersion",
                      "/Description/Resources/NanoCPUs",
                      "/Description/Resources/MemoryBytes",
                      "/Status/State",
                      "/Status/Message",
                      "/Status/Addr",
                      "/ManagerStatus/Leader",
                      "/ManagerStatus/Reachability"};

const Fields kService = {"/ID", "/Spec/Name", "/Spec/Mode/Replicated/Replicas",
                         "/Spec/TaskTemplate/ContainerSpec/Image", "/UpdateStatus/State"};

const Fields kTask = {"/ID",
                      "/CreatedAt",
                      "/ServiceID",
                      "/NodeID",
                      "/Slot",
                      "/DesiredState",
                      "/Status/State",
                      "/Status/Timestamp",
                      "/Status/Message",
                      "/Status/Err",
                      "/Status/ContainerStatus/ContainerID",
                      "/Status/ContainerStatus/ExitCode"};

/// Copies scalar values only: the content of an object has to be listed itself.
Json pick(const Json& from, const Fields& fields) {
    Json to = Json::object();
    for (const char* field : fields) {
        const Json::json_pointer place(field);
        if (from.contains(place) && from.at(place).is_primitive()) to[place] = from.at(place);
    }
    return to;
}

Json published_ports(const Json& service) {
    Json ports = Json::array();
    const Json::json_pointer place("/Endpoint/Ports");
    if (service.contains(place) && service.at(place).is_array())
        for (const Json& port : service.at(place))
            ports.push_back(pick(port, {"/PublishedPort", "/TargetPort", "/Protocol"}));
    return ports;
}

Json pick_service(const Json& service) {
    Json to = pick(service, kService);
    const Json::json_pointer global("/Spec/Mode/Global");
    if (service.contains(global)) to[global] = Json::object();
    to["Endpoint"] = {{"Ports", published_ports(service)}};
    // The only label that is passed on: the stack of the service.
    const Json::json_pointer labels("/Spec/Labels");
    const char* const kStack = "com.docker.stack.namespace";
    if (service.contains(labels) && service.at(labels).contains(kStack))
        to["Spec"]["Labels"][kStack] = service.at(labels).at(kStack);
    return to;
}

template<typename Pick>
Json each(const Json& list, Pick pick_one) {
    if (!list.is_array()) throw std::runtime_error("Docker's response is not a list");
    Json to = Json::array();
    for (const Json& item : list) to.push_back(pick_one(item));
    return to;
}

} // namespace

std::optional<View> allowed_view(const HttpRequest& request) {
    if (request.method != "GET" || !request.body.empty()) return std::nullopt;
    for (const View view : {View::Ping, View::Info, View::Nodes, View::Services, View::Tasks})
        if (request.target == docker_target(view)) return view;
    return std::nullopt;
}

const char* docker_target(View view) {
    switch (view) {
    case View::Ping: return "/_ping";
    case View::Info: return "/info";
    case View::Nodes: return "/nodes";
    case View::Services: return "/services";
    case View::Tasks: return "/tasks";
    }
    throw std::logic_error("no such view");
}

std::string reduce(View view, const std::string& body) {
    if (view == View::Ping) return "OK";
    const Json full = parse_json(body);
    if (full.is_discarded()) throw std::runtime_error("Docker's response is not JSON");
    Json small;
    if (view == View::Info)
        small = pick(full, kInfo);
    else if (view == View::Services)
        small = each(full, pick_service);
    else
        small = each(full, [&](const Json& item) {
            return pick(item, view == View::Nodes ? kNode : kTask);
        });
    return small.dump(-1, ' ', false, Json::error_handler_t::replace);
}

} // namespace hadeploy::svc
