#include "cluster_fixture.h"

#include "core/file.h"
#include "providers/ssh/docker_script.h"
#include "server.h"

#include <filesystem>

using namespace hadeploy;
using namespace hadeploy::test;
using State = Observation::State;

namespace {

const char* const kNodes =
    R"([{"ID":"n1","Spec":{"Role":"manager","Availability":"active"},"Description":{"Hostname":"node1"},
         "Status":{"State":"ready","Addr":"10.77.0.11"},
         "ManagerStatus":{"Leader":true,"Reachability":"reachable","Addr":"10.77.0.11:2377"}},
        {"ID":"n2","Spec":{"Role":"worker","Availability":"drain"},"Description":{"Hostname":"node2"},
         "Status":{"State":"down","Addr":"10.77.0.12"}}])";
const char* const kServices =
    R"([{"ID":"s1","Spec":{"Name":"demo_web","Mode":{"Replicated":{"Replicas":3}}}},
        {"ID":"s2","Spec":{"Name":"demo_agent","Mode":{"Global":{}}}}])";
const char* const kTasks =
    R"([{"ID":"t1","ServiceID":"s1","Slot":1,"NodeID":"n1","DesiredState":"running","Status":{"State":"running"}},
        {"ID":"t2","ServiceID":"s1","Slot":2,"NodeID":"n2","DesiredState":"shutdown","Status":{"State":"running"}},
        {"ID":"t3","ServiceID":"s1","Slot":2,"DesiredState":"running","Status":{"State":"pending","Err":"no suitable node"}},
        {"ID":"t4","ServiceID":"s2","NodeID":"n1","DesiredState":"running","Status":{"State":"running"}}])";

Observation docker_seen(const std::string& type_name, const std::string& out) {
    const auto& type = cluster_type(type_name);
    const Value config = normal(type, type_name == "docker.drain"
                                          ? Value::map({{"hosts", three_hosts()}, {"node", "n2"}})
                                          : Value::map({{"hosts", three_hosts()}}));
    return type.parse(request_for(type, config), {0, out, ""});
}

Observation cluster_seen(const std::string& nodes) {
    return docker_seen("docker.cluster",
                       reply(200, nodes) + reply(200, kServices) + reply(200, kTasks));
}

Value drain_config(int seconds) {
    return normal(cluster_type("docker.drain"),
                  Value::map({{"hosts", three_hosts()},
                              {"node", "n2"},
                              {"undo_after", std::to_string(seconds) + "s"}}));
}

/// Runs the commands as on a host, with stand-ins for Docker and systemd. Returns the calls.
std::string calls(const std::vector<ssh::Command>& commands, int& status,
                  const std::string& failures = "") {
    const TempDir dir;
    const std::string log = (dir.path / "log").string();
    write_file(dir.path / "failures", failures);
    for (const char* name : {"systemctl", "systemd-run", "sleep"}) {
        write_file(dir.path / name,
                   "#!/bin/sh\nfor w; do case $w in *' '*) printf '[%s] ' \"$w\";; *) printf '%s ' "
                   "\"$w\";; esac; done >>" +
                       log + "\necho \"<${0##*/}\" >>" + log + "\n",
                   0700);
    }
    std::string script = ssh::docker::functions() + "PATH=" + dir.path.string() +
                         ":$PATH\n"
                         "docker_up() { :; }\n"
                         "docker_get() { echo 'reply 200 2 x'; }\n"
                         "docker_read() { docker_get \"$@\"; }\n"
                         "docker() {\n"
                         "    echo \"docker $*\" >>" +
                         log +
                         "\n"
                         "    if read -r line <" +
                         (dir.path / "failures").string() +
                         "; then\n"
                         "        sed -i 1d " +
                         (dir.path / "failures").string() +
                         "\n"
                         "        echo \"$line\" >&2\n        return 1\n    fi\n}\n";
    const std::size_t shared = ssh::docker::functions().size();
    for (const ssh::Command& c : commands) {
        REQUIRE(c.script.substr(0, shared) == ssh::docker::functions());
        script += "( set -eu\n" + c.script.substr(shared) + ") || exit\n";
    }
    const ProcessResult result = run_process({.argv = {"sh", "-s"}, .input = script});
    status = result.status;
    INFO(result.err);
    return std::filesystem::exists(log) ? read_file(log) : "";
}

} // namespace

TEST_CASE("docker.cluster: nodes, services and tasks with their names") {
    const Observation o = cluster_seen(kNodes);
    REQUIRE(o.state == State::present);
    const auto& nodes = o.attributes["nodes"].as_list();
    REQUIRE(nodes.size() == 2);
    CHECK(nodes[0].text("name") == "node1");
    CHECK(nodes[0].flag("leader"));
    CHECK(nodes[0].flag("reachable"));
    CHECK(nodes[1].text("status") == "down");
    CHECK(nodes[1].text("availability") == "drain");
    CHECK_FALSE(nodes[1].flag("reachable"));
    const auto& services = o.attributes["services"].as_list();
    CHECK(services[0].integer("desired") == 3);
    CHECK(services[0].integer("running") == 1); // one is being stopped, one has no node yet
    CHECK(services[1].integer("desired") == 1); // global: as many as the swarm created
    CHECK(services[1].integer("running") == 1);
    const auto& tasks = o.attributes["tasks"].as_list();
    REQUIRE(tasks.size() == 4);
    CHECK(tasks[1].text("service") == "demo_web");
    CHECK(tasks[1].text("slot") == "2");
    CHECK(tasks[1].text("node") == "node2");
    CHECK(tasks[1].text("desired") == "shutdown");
    CHECK(tasks[2].text("node") == "");
    CHECK(tasks[2].text("error") == "no suitable node");
    CHECK(tasks[3].text("slot") == "");
}

TEST_CASE("docker.cluster: the tasks of a node that does not report do not count as running") {
    std::string nodes = kNodes;
    const std::string ready = R"("State":"ready")";
    nodes.replace(nodes.find(ready), ready.size(), R"("State":"unknown")");
    const Observation o = cluster_seen(nodes);
    for (const Value& service : o.attributes["services"].as_list())
        CHECK(service.integer("running") == 0);
    CHECK(o.attributes["tasks"].as_list()[0].text("state") == "running"); // as Docker reports it
}

TEST_CASE("docker.cluster: a failed read does not count as an empty swarm") {
    const Observation worker = docker_seen(
        "docker.cluster", reply(503, R"({"message":"This node is not a swarm manager."})") +
                              reply(503, "{}") + reply(503, "{}"));
    CHECK(worker.state == State::failed);
    CHECK(worker.error->message == "This node is not a swarm manager.");
    CHECK(docker_seen("docker.cluster", "stopped\n").state == State::failed);
    CHECK(docker_seen("docker.cluster", reply(200, kNodes)).state == State::failed);
    CHECK(cluster_seen("no JSON").state == State::failed);
    CHECK(cluster_seen("[]").state == State::present);
}

TEST_CASE("docker.cluster: a read is three requests, and changes nothing") {
    const auto& type = cluster_type("docker.cluster");
    const Value config = normal(type, Value::map({{"hosts", three_hosts()}}));
    const std::string probe = type.probe(request_for(type, config));
    check_syntax(probe);
    CHECK(contains(probe, "docker_get /nodes /services /tasks\n"));
    CHECK(type.commands(change_of(type, Change::Kind::create, {}, config)).empty());
}

TEST_CASE("docker.drain: present while the node is drained") {
    const auto node = [](const std::string& availability) {
        return reply(200, R"({"ID":"n2","Spec":{"Availability":")" + availability + "\"}}");
    };
    CHECK(docker_seen("docker.drain", node("drain")).state == State::present);
    CHECK(docker_seen("docker.drain", node("active")).state == State::absent);
    CHECK(docker_seen("docker.drain", reply(404, R"({"message":"node n2 not found"})")).state ==
          State::absent);
    CHECK(docker_seen("docker.drain", reply(503, R"({"message":"no leader"})")).state ==
          State::failed);
    CHECK(docker_seen("docker.drain", "stopped\n").state == State::failed);
}

TEST_CASE("docker.drain: the timer is set before the node is drained") {
    const auto& type = cluster_type("docker.drain");
    const auto commands =
        type.commands(change_of(type, Change::Kind::create, {}, drain_config(90)));
    check_syntax(commands);
    int status = -1;
    const std::string done = calls(commands, status);
    CHECK(status == 0);
    CHECK(contains(done, "--unit hadeploy-undo-n2 --on-active 390 ")); // with the handover
    CHECK(done.find("<systemd-run") < done.find("docker node update --availability drain n2"));
}

TEST_CASE("docker.drain: removal activates the node, then removes the timer") {
    const auto& type = cluster_type("docker.drain");
    const auto commands =
        type.commands(change_of(type, Change::Kind::remove, drain_config(90), {}));
    check_syntax(commands);
    int status = -1;
    const std::string done =
        calls(commands, status, "update out of sequence\nrpc error: code = DeadlineExceeded\n");
    CHECK(status == 0);
    CHECK(done == "docker node update --availability active n2\n2 <sleep\n"
                  "docker node update --availability active n2\n2 <sleep\n"
                  "docker node update --availability active n2\n"
                  "docker node inspect n2 --format {{.ID}}\n"
                  "docker service ls --filter label=hadeploy.handover. --format {{.Name}}\n"
                  "stop hadeploy-undo-n2.timer hadeploy-undo-n2.service <systemctl\n");
    const std::string failed = calls(commands, status, "no such node\n");
    CHECK(status != 0);
    CHECK_FALSE(contains(failed, "systemctl")); // the timer stays
}
