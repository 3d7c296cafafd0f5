#include "cluster_fixture.h"

#include "core/process.h"
#include "docker_daemon.h"

#include <filesystem>

using namespace hadeploy;
using namespace hadeploy::test;

namespace fs = std::filesystem;

namespace {

// Responses of Docker 26.1.5, without the members that are not read.
const std::string kManagerInfo = R"({"Swarm":{"NodeID":"n1","LocalNodeState":"active",)"
                                 R"("ControlAvailable":true,"Cluster":{"ID":"s1"}}})";
const std::string kNodeList =
    R"([{"ID":"n1","Spec":{"Role":"manager","Availability":"active"},"Status":{"State":"ready"}}])";
const std::string kRunning = R"([{"ID":"t1","Status":{"State":"running"}}])";

std::string container(const std::string& status, const std::string& task = "t1") {
    return R"([{"Id":"c1","Labels":{"com.docker.swarm.service.name":"app_web",)"
           R"("com.docker.swarm.task.id":")" +
           task + R"("},"State":"running","Status":")" + status +
           R"(","NetworkSettings":{"Networks":{)"
           R"("app_front":{"IPAMConfig":{"IPv4Address":"10.0.1.3"},"NetworkID":"front",)"
           R"("EndpointID":"e1"},"bridge":{"NetworkID":"bridge","EndpointID":"e2"}}}}])";
}

std::string front(const std::string& services) {
    return R"({"Name":"app_front","Scope":"swarm","Driver":"overlay","Services":)" + services + "}";
}
const std::string kAnnounced =
    R"({"app_web":{"VIP":"10.0.1.2","Ports":[],"LocalLBIndex":257,"Tasks":[{"Name":"app_web.1.t1",)"
    R"("EndpointID":"e1","EndpointIP":"10.0.1.3","Info":{"Host IP":"10.77.0.11"}}]}})";
const std::string kOthers =
    R"({"app_web":{"VIP":"10.0.1.2","Ports":[],"LocalLBIndex":257,"Tasks":[{"Name":"app_web.2.t2",)"
    R"("EndpointID":"e9","EndpointIP":"10.0.1.4","Info":{"Host IP":"10.77.0.12"}}]}})";

using Responses = std::map<std::string, std::vector<std::string>>;

Responses answers(const std::string& containers, const std::string& services) {
    return {{"/info", {kManagerInfo}},
            {"/nodes", {kNodeList}},
            {"/tasks", {kRunning}},
            {"/containers/json", {containers}},
            {"/networks/bridge", {R"({"Scope":"local","Driver":"bridge"})"}},
            {"/networks/front", {front(services)}}};
}

Value member() {
    return normal(cluster_type("docker.node"),
                  Value::map({{"host", connection("10.77.0.11")}, {"peers", three_hosts()}}));
}

/// Runs a script of docker.node on a host where Docker gives these answers.
ProcessResult run_on_node(std::string script, const Responses& given, const fs::path& bin = {}) {
    const Daemon daemon(given);
    replace_all(script, "/run/docker.sock", daemon.path());
    const std::size_t at = script.find("\nnode=");
    const std::size_t body = at == script.npos ? script.find("\nmarker=") : at;
    script.insert(body + 1,
                  "docker_up() { :; }\ndockerd() { :; }\nPATH='" + bin.string() + "':$PATH\n");
    return run_process(
        {.argv = {"sh", "-s"}, .input = std::string(ssh::place_functions()) + script});
}

std::string status(const Responses& given) {
    const auto& type = cluster_type("docker.node");
    const Value config = member();
    const ReadRequest request = request_for(type, config, nullptr);
    const ProcessResult out = run_on_node(type.probe(request), given);
    CHECK(out.err == "");
    REQUIRE(out.status == 0);
    return type.parse(request, {0, out.out, ""}).attributes.text("status");
}

} // namespace

TEST_CASE("docker.node: a running task that is missing in service discovery") {
    const std::string up = container("Up 12 minutes (healthy)");
    CHECK(status(answers(up, kAnnounced)) == "ready");
    const std::string lost = "not in service discovery: app_web";
    CHECK(status(answers(up, kOthers)) == lost);
    CHECK(status(answers(up, "{}")) == lost);
    CHECK(status(answers(container("Up About a minute"), kOthers)) == lost); // without a check

    CHECK(status(answers(container("Up 59 seconds (healthy)"), kOthers)) == "ready");
    CHECK(status(answers(container("Up 2 minutes (health: starting)"), kOthers)) == "ready");
    CHECK(status(answers(container("Up 2 minutes (unhealthy)"), kOthers)) == "ready");
    // it is being stopped: the manager wants another one instead
    CHECK(status(answers(container("Up 2 minutes (healthy)", "t0"), kOthers)) == "ready");
}

TEST_CASE("docker.node: the service discovery is read on managers only, and may fail") {
    Responses given = answers(container("Up 2 hours"), kOthers);
    given["/networks/front"] = {"!network front not found"};
    CHECK(status(given) == "ready");
    given.erase("/tasks");
    CHECK(status(given) == "ready");
    given = answers(container("Up 2 hours"), kOthers);
    given["/info"] = {R"({"Swarm":{"NodeID":"n1","LocalNodeState":"active",)"
                      R"("ControlAvailable":false}})"};
    given["/nodes"] = {"!This node is not a swarm manager"};
    CHECK(status(given) == "ready");
}

TEST_CASE("docker.node: the tasks of a service that cannot be found are restarted") {
    const auto& type = cluster_type("docker.node");
    const Value before = member().with("node_id", "n1").with("role", "manager");
    const auto list =
        type.commands(change_of(type, Change::Kind::update, before, member(), {"status"}));
    REQUIRE(list.size() == 3);
    check_syntax(list);
    const auto restart = [&](const std::string& services, int code) {
        const TempDir bin;
        write_file(bin.path / "docker", fmt::format("#!/bin/sh\necho \"$*\" >>'{}/log'\nexit {}\n",
                                                    bin.path.string(), code));
        fs::permissions(bin.path / "docker", fs::perms::owner_all);
        const ProcessResult result =
            run_on_node("set -eu\n" + list[2].script,
                        answers(container("Up 2 hours (healthy)"), services), bin.path);
        const fs::path log = bin.path / "log";
        return fmt::format("{} {}{}", result.status, fs::exists(log) ? read_file(log) : "",
                           result.err);
    };
    CHECK(restart(kAnnounced, 0) == "0 ");
    CHECK(restart(kOthers, 0) == "0 service update --quiet --force app_web\n");
    CHECK(restart(kOthers, 1) ==
          "1 service update --quiet --force app_web\n\n"
          "app_web: its tasks did not restart within 300 s: look at `docker service ps app_web`\n");
    const auto worker = type.commands(
        change_of(type, Change::Kind::update, before.with("role", "worker"), member(), {"status"}));
    CHECK(worker.size() == 2); // a worker cannot change services
}
