#include "support.h"

#include "docker-reader/filter.h"

#include <doctest/doctest.h>

using namespace hadeploy::svc;
using namespace hadeploy::svc::test;

namespace {

constexpr const char* kCanary = "canary-of-a-secret";

const Json kNodes =
    Json::parse(R"([{"ID": "n1", "Spec": {"Role": "manager", "Availability": "active",
    "Labels": {"a": "canary-of-a-secret"}}, "Description": {"Hostname": "node1", "TLSInfo": {"TrustRoot":
    "canary-of-a-secret"}}, "Status": {"State": "ready", "Addr": "10.0.0.1"},
    "ManagerStatus": {"Leader": true, "Reachability": "reachable"}}])");
const Json kServices = Json::parse(R"([{"ID": "s1", "Spec": {"Name": "demo_web", "Labels":
    {"com.docker.stack.namespace": "demo", "b": "canary-of-a-secret"}, "Mode": {"Replicated": {"Replicas": 2}},
    "TaskTemplate": {"ContainerSpec": {"Image": "hadeploy/web:1", "Env": ["A=canary-of-a-secret"],
    "Args": ["canary-of-a-secret"], "Secrets": [{"SecretName": "canary-of-a-secret"}],
    "Mounts": [{"Source": "canary-of-a-secret"}]}}},
    "Endpoint": {"Ports": [{"PublishedPort": 5000, "TargetPort": 5000, "Name": "canary-of-a-secret"}]}}])");
const Json kTasks = Json::parse(R"([{"ID": "t1", "ServiceID": "s1", "NodeID": "n1", "Slot": 1,
    "DesiredState": "running", "Spec": {"ContainerSpec": {"Env": ["A=canary-of-a-secret"]}},
    "Status": {"State": "running", "Timestamp": "2026-03-01T09:15:02Z", "ContainerStatus":
    {"ContainerID": "c1", "PID": 5}}, "Labels": {"c": "canary-of-a-secret"}}])");
const Json kInfo =
    Json::parse(R"({"Name": "node1", "ServerVersion": "20.10.24", "HttpProxy": "canary-of-a-secret",
    "Swarm": {"NodeID": "n1", "Nodes": 3, "Cluster": {"TLSInfo": "canary-of-a-secret"}}})");

FakeDocker make_docker() {
    return FakeDocker({{"/nodes", kNodes.dump()},
                       {"/services", kServices.dump()},
                       {"/tasks", kTasks.dump()},
                       {"/info", kInfo.dump()},
                       {"/_ping", "OK"}});
}

int status_of(std::uint16_t port, const std::string& bytes) {
    return std::stoi(converse(port, bytes).substr(9, 3));
}

} // namespace

TEST_CASE("the reader passes on the fields for the visualizer and no secret") {
    FakeDocker docker = make_docker();
    Service reader("docker-reader", {{"DOCKER_SOCKET", docker.path()}});
    std::string all;
    for (const char* target : {"/nodes", "/services", "/tasks", "/info"})
        all += get_text(reader.port(), target);
    CHECK(all.find(kCanary) == std::string::npos);
    CHECK(all.find("PID") == std::string::npos);
    const Json nodes = get_json(reader.port(), "/nodes").body;
    CHECK(nodes[0]["Description"]["Hostname"] == "node1");
    CHECK(nodes[0]["ManagerStatus"]["Leader"] == true);
    const Json services = get_json(reader.port(), "/services").body;
    CHECK(services[0]["Spec"]["Mode"]["Replicated"]["Replicas"] == 2);
    CHECK(services[0]["Spec"]["Labels"] == Json{{"com.docker.stack.namespace", "demo"}});
    CHECK(services[0]["Endpoint"]["Ports"][0]["PublishedPort"] == 5000);
    CHECK(get_json(reader.port(), "/tasks").body[0]["Status"]["State"] == "running");
    CHECK(get_json(reader.port(), "/info").body["Swarm"]["NodeID"] == "n1");
    CHECK(get_text(reader.port(), "/_ping").find("OK") != std::string::npos);
}

TEST_CASE("the reader refuses all other requests without asking Docker") {
    FakeDocker docker = make_docker();
    Service reader("docker-reader", {{"DOCKER_SOCKET", docker.path()}});
    for (const std::string target :
         {"/", "/containers/json", "/secrets", "/configs", "/swarm", "/nodes/n1", "/nodes/",
          "/services/s1", "/services/s1/logs", "/tasks?filters=x", "/v1.41/nodes", "//nodes",
          "/nodes/../secrets", "/%6eodes", "/NODES", "/events", "/info?x", "/system/df",
          "/images/json"})
        CHECK_MESSAGE(status_of(reader.port(), "GET " + target + " HTTP/1.0\r\n\r\n") == 403,
                      target);
    for (const std::string method : {"POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS", "get"})
        CHECK_MESSAGE(status_of(reader.port(), method + " /nodes HTTP/1.0\r\n\r\n") == 403, method);
    CHECK(status_of(reader.port(), "GET /nodes HTTP/1.0\r\nContent-Length: 1\r\n\r\nx") == 403);
    CHECK(status_of(reader.port(), "GET /nodes\r\nX: HTTP/1.0\r\n\r\n") == 400);
    CHECK(docker.requests().empty());
    CHECK(get_json(reader.port(), "/nodes").status == 200);
    CHECK(docker.requests() == std::vector<std::string>{"GET /nodes HTTP/1.0"});
}

TEST_CASE("a failure of Docker is reported with Docker's reason") {
    const std::map<std::string, std::string> bodies = {
        {"/nodes", R"({"message": "The swarm does not have a leader."})"}};
    FakeDocker docker(bodies);
    docker.answer_with(503);
    Service reader("docker-reader", {{"DOCKER_SOCKET", docker.path()}});
    const Reply reply = get_json(reader.port(), "/nodes");
    CHECK(reply.status == 503);
    CHECK(reply.body.at("message") == "The swarm does not have a leader.");
    Service alone("docker-reader", {{"DOCKER_SOCKET", "/nonexistent/docker.sock"}});
    CHECK(get_json(alone.port(), "/nodes").status == 503);
}

TEST_CASE("an unexpected response of Docker is not passed on") {
    CHECK_THROWS(reduce(View::Nodes, "not json"));
    CHECK_THROWS(reduce(View::Tasks, "{\"a\": \"canary\"}"));
    CHECK(reduce(View::Nodes, "[5, {\"ID\": {\"nested\": \"canary\"}}]") == "[{},{}]");
}
