// The scripts of docker.stack that use the Docker API, run by a real shell and perl against a fake
// socket. Not covered: the behaviour of a real swarm.
#include "core/file.h"
#include "providers/ssh/docker_script.h"
#include "providers/ssh/explain.h"
#include "ssh/cluster_fixture.h"
#include "ssh/docker_daemon.h"

#include <doctest/doctest.h>
#include <fmt/format.h>

using namespace hadeploy;
using namespace hadeploy::test;
namespace fs = std::filesystem;

namespace {
Value stack(const std::string& compose) {
    return Value::map({{"hosts", three_hosts()}, {"name", "app"}, {"content", compose}});
}

/// The script of a command, run on a host with that daemon.
ProcessResult run_script(const Daemon& daemon, std::string script, const std::string& programs) {
    replace_all(script, "/run/docker.sock", daemon.path());
    script.insert(script.find("stack='app'"), "docker_up() { :; }\n");
    return run_process(
        {.argv = {"sh"}, .input = fmt::format("set -eu\nPATH={}:$PATH\n{}", programs, script)});
}

/// A command of a deploy, run on a host with that daemon. Each request advances the clock by a
/// second.
ProcessResult run_change(const Daemon& daemon, std::size_t index,
                         const std::string& compose = "services: {web: {image: w}}",
                         const std::string& programs = "") {
    const ssh::SshType& type = cluster_type("docker.stack");
    const auto list =
        type.commands(change_of(type, Change::Kind::create, {}, normal(type, stack(compose))));
    std::string script = list.at(index).script;
    replace_all(script, "/run/docker.sock", daemon.path());
    replace_all(script, "my $began = time;", "my $began = 0; my $clock = 0;");
    replace_all(script, "my $now = time;", "my $now = ++$clock;");
    const std::string kSleep = "sleep($now - $began < 15 ? 1 : 4);";
    REQUIRE(contains(script, kSleep) == contains(script, "my $clock")); // only the wait sleeps
    replace_all(script, kSleep, "");
    const std::string after = ssh::docker::functions();
    REQUIRE(script.starts_with(after.substr(0, 20)));
    script.insert(script.find("stack='app'"), "docker_up() { :; }\n");
    if (!programs.empty()) script = "PATH=" + programs + ":$PATH\n" + script;
    return run_process({.argv = {"sh"}, .input = "set -eu\n" + script});
}

std::string service(const std::string& more = "", const std::string& mode = "",
                    const std::string& restart = "any") {
    return R"([{"ID":"s1","Spec":{"Name":"app_web","TaskTemplate":{"RestartPolicy":{"Condition":")" +
           restart + R"("}},"Mode":)" + (mode.empty() ? R"({"Replicated":{"Replicas":2}})" : mode) +
           "}" + more + "}]";
}

std::string task(int slot, const std::string& state, const std::string& desired = "running",
                 const std::string& error = "") {
    return fmt::format(
        R"({{"ID":"t{0}","ServiceID":"s1","Slot":{0},"NodeID":"n1","DesiredState":"{2}",)"
        R"("Status":{{"Timestamp":"2026-01-0{0}","State":"{1}","Err":"{3}"}}}})",
        slot, state, desired, error);
}

std::string list(std::initializer_list<std::string> all) {
    return fmt::format("[{}]", fmt::join(all, ","));
}

/// The error of a failed wait; "" if it succeeded.
std::string wait_for(std::vector<std::string> services, std::vector<std::string> tasks) {
    const Daemon daemon({{"/services", std::move(services)},
                         {"/tasks", std::move(tasks)},
                         {"/nodes/n1", {R"({"Description":{"Hostname":"node1"}})"}}});
    const ProcessResult result = run_change(daemon, 2);
    if (result.status == 0) return result.err;
    return ssh::cause_in(result.err);
}
const std::string kBoth = list({task(1, "running"), task(2, "running")});
} // namespace

TEST_CASE("docker.stack: complete when all tasks of the current version keep running") {
    CHECK(wait_for({service()}, {kBoth}) == "");
    // Not while a task is starting: its health check has not succeeded.
    CHECK(wait_for({service()}, {list({task(1, "running"), task(2, "starting")}), kBoth}) == "");
    CHECK(wait_for({service()}, {"[]", kBoth, list({task(1, "running")}), kBoth}) == "");
    CHECK(wait_for({service(R"(,"UpdateStatus":{"State":"updating"})"), service()}, {kBoth}) == "");
    CHECK(wait_for({service("", R"({"Global":{}})")}, {kBoth}) == "");
}

TEST_CASE("docker.stack: a service that does not run is reported with the error of a task") {
    CHECK(wait_for({service()}, {list({task(1, "running"), task(2, "starting")})}) ==
          "app_web: 1 of 2 tasks run after 300 s: app_web.2 on node1 is starting: its container "
          "does not run, or the health check of its image has not succeeded");
    CHECK(
        wait_for({service()}, {list({task(1, "running"),
                                     task(2, "rejected", "shutdown", "No such image: w:9")})}) ==
        "app_web: 1 of 2 tasks run after 300 s: app_web.2 on node1: rejected: No such image: w:9");
    CHECK(wait_for({service("", R"({"Global":{}})")}, {list({task(1, "starting")})}) ==
          "app_web: 0 of 1 tasks run after 300 s: app_web.1 on node1 is starting: its container "
          "does not run, or the health check of its image has not succeeded");
}

TEST_CASE("docker.stack: a task that never runs is reported with its state and its last error") {
    std::string checked = service();
    replace_all(checked, R"("TaskTemplate":{)",
                R"("TaskTemplate":{"ContainerSpec":{"Healthcheck":{"Test":["CMD","false"]}},)");
    CHECK(wait_for({checked},
                   {list({task(1, "running"), task(3, "starting"),
                          task(2, "failed", "shutdown", "dockerexec: unhealthy container")})}) ==
          "app_web: 1 of 2 tasks run after 300 s: app_web.3 on node1 is starting: its health check "
          "has not succeeded; app_web.2 on node1: failed: dockerexec: unhealthy container");
    for (const char* state : {"new", "assigned", "accepted", "ready"})
        CHECK(
            contains(wait_for({service()}, {list({task(1, state), task(2, "running")})}),
                     fmt::format("app_web.1 on node1 is {}: its node has not started it", state)));
    CHECK(contains(wait_for({service()}, {list({task(1, "preparing"), task(2, "running")})}),
                   "is preparing: its image or its volumes are not ready"));
    // The swarm's own reason is better.
    CHECK(wait_for({service()}, {list({task(1, "pending", "running", "no suitable node"),
                                       task(2, "running")})}) ==
          "app_web: 1 of 2 tasks run after 300 s: app_web.1 on node1: pending: no suitable node");
    const Error error = ssh::explain_failure(
        "node1", "waiting", 1, "hadeploy: app_web: 1 of 2 tasks run after 300 s\n", "");
    CHECK(contains(error.hint, "docker service logs SERVICE"));
}

TEST_CASE("docker.stack: an update that the swarm rolled back or paused") {
    const std::string failed = list({task(1, "failed", "shutdown", "task: non-zero exit (3)")});
    CHECK(wait_for({service(R"(,"UpdateStatus":{"State":"rollback_started",)"
                            R"("Message":"update rolled back due to failure of task t1"})"),
                    service(R"(,"UpdateStatus":{"State":"rollback_completed",)"
                            R"("Message":"rollback completed"})")},
                   {failed}) ==
          "the update of app_web was rolled back (update rolled back due to failure of task "
          "t1): app_web.1 on node1: failed: task: non-zero exit (3)");
    CHECK(wait_for({service(R"(,"UpdateStatus":{"State":"paused","Message":"update paused"})")},
                   {kBoth}) == "the swarm paused the update of app_web (update paused)");
}

TEST_CASE("docker.stack: an update that does not become healthy in time is rolled back") {
    const auto updating = [](const std::string& action, const std::string& state) {
        std::string text = service(R"(,"UpdateStatus":{"State":")" + state +
                                   R"(","Message":"rollback completed"})");
        text.insert(text.find("\"Mode\""),
                    R"("UpdateConfig":{"FailureAction":")" + action + R"("},)");
        return text;
    };
    const auto wait = [&](const std::string& action) { // the update never ends by itself
        std::vector<std::string> services(300, updating(action, "updating"));
        services.push_back(updating(action, "rollback_started"));
        services.push_back(updating(action, "rollback_completed"));
        const Daemon daemon({{"/services", services},
                             {"/tasks", {list({task(1, "running"), task(2, "starting")})}}});
        const TempDir bin;
        write_file(bin.path / "docker", "#!/bin/sh\necho \"$*\" >>" + (bin.path / "log").string());
        fs::permissions(bin.path / "docker", fs::perms::owner_all);
        const ProcessResult result =
            run_change(daemon, 2, "services: {web: {image: w}}", bin.path.string());
        CHECK(result.status == 1);
        const std::string log = bin.path / "log";
        return std::pair(ssh::cause_in(result.err), fs::exists(log) ? read_file(log) : "");
    };
    const auto [error, calls] = wait("rollback");
    CHECK(error ==
          "the update of app_web was rolled back (not complete in time: app_web: 1 of 2 tasks "
          "run after 300 s: app_web.2 on n1 is starting: its container does not run, or the health "
          "check of its image has not succeeded)");
    CHECK(calls == "service rollback --detach --quiet app_web\n");
    const auto [paused, none] = wait("pause");
    CHECK(contains(paused, "app_web: 1 of 2 tasks run after 300 s: app_web.2 on n1 is starting"));
    CHECK(none == "");
}

TEST_CASE("docker.stack: tasks that end by themselves must succeed") {
    const std::string two = R"({"Replicated":{"Replicas":2}})";
    const std::string ended =
        list({task(1, "complete", "shutdown"), task(2, "complete", "shutdown")});
    for (const char* restart : {"none", "on-failure"})
        CHECK(wait_for({service("", two, restart)}, {ended}) == "");
    CHECK(wait_for({service("", two, "any")}, {ended}) == "app_web: 0 of 2 tasks run after 300 s");
    CHECK(wait_for({service("", two, "none")}, {list({task(1, "complete", "shutdown"),
                                                      task(2, "failed", "shutdown", "exit 1")})}) ==
          "app_web: a task that is not restarted has failed: app_web.2 on node1: failed: "
          "exit 1");
    const std::string job = R"({"ReplicatedJob":{"MaxConcurrent":1,"TotalCompletions":3}})";
    const auto status = [](int done) {
        return fmt::format(R"(,"ServiceStatus":{{"DesiredTasks":1,"CompletedTasks":{}}})", done);
    };
    CHECK(wait_for({service(status(3), job)}, {"[]"}) == "");
    CHECK(wait_for({service(status(2), job)}, {"[]"}) ==
          "app_web: 2 of 3 tasks have succeeded after 300 s");
    const std::string everywhere = R"({"GlobalJob":{}})";
    CHECK(wait_for({service(R"(,"ServiceStatus":{"CompletedTasks":3})", everywhere)}, {"[]"}) ==
          "");
    CHECK(
        contains(wait_for({service(status(1), everywhere)}, {"[]"}), "1 tasks have not ended yet"));
}

TEST_CASE("docker.stack: used ports and missing external networks are detected before any change") {
    const auto other = [](const std::string& stack, const std::string& port) {
        return R"([{"ID":"o","Spec":{"Name":"shop_web","Labels":{"com.docker.stack.namespace":")" +
               stack + R"("}},"Endpoint":{"Ports":[{"Protocol":"tcp","PublishedPort":)" + port +
               R"(,"PublishMode":"ingress"}]}}])";
    };
    const std::string compose =
        "services: {web: {image: w, ports: ['8080:80'], networks: [edge]}}\n"
        "networks: {edge: {external: true, name: proxy}}\n";
    const auto possible = [&](const std::string& services, bool network) {
        std::map<std::string, std::vector<std::string>> answers{{"/services", {services}}};
        if (network) answers["/networks/proxy"] = {"{}"};
        const ProcessResult result = run_change(Daemon(answers), 0, compose);
        return result.status == 0 ? result.err : ssh::cause_in(result.err);
    };
    CHECK(possible("[]", true) == "");
    CHECK(possible(other("app", "8080"), true) == "");
    CHECK(possible(other("shop", "8081"), true) == "");
    CHECK(possible(other("shop", "8080"), true) ==
          "nothing was changed: port 8080 is already published by the service shop_web");
    CHECK(possible("[]", false) ==
          "nothing was changed: the external network proxy does not exist");
}

TEST_CASE("docker.stack: an error of Docker does not pass for a stack that does not exist") {
    const ssh::SshType& type = cluster_type("docker.stack");
    const Value config = normal(type, stack("services: {web: {image: w}}"));
    const auto run = [&](Change::Kind kind, const std::string& services,
                         std::vector<std::string> tasks = {"[]"}) {
        const auto list =
            type.commands(kind == Change::Kind::remove ? change_of(type, kind, config, {})
                                                       : change_of(type, kind, {}, config));
        const TempDir bin;
        for (const char* program : {"docker", "sleep"})
            write_file(bin.path / program,
                       fmt::format("#!/bin/sh\n[ ${{0##*/}} = sleep ] || echo \"$*\" >>{}/log\n",
                                   bin.path.string()),
                       0755);
        const Daemon daemon({{"/services", {services}},
                             {"/configs", {"[]"}},
                             {"/networks", {"[]"}},
                             {"/tasks", std::move(tasks)}});
        const ProcessResult result = run_script(
            daemon, list[kind == Change::Kind::remove ? 0 : 1].script, bin.path.string());
        const std::string log = (bin.path / "log").string();
        return fmt::format("{} {}{}", result.status == 0 ? "done:" : "failed:",
                           fs::exists(log) ? read_file(log) : "", ssh::cause_in(result.err));
    };
    const std::string error = "failed: Docker answers /services with an error: out of memory";
    CHECK(run(Change::Kind::create, "!out of memory") == error);
    CHECK(run(Change::Kind::remove, "!out of memory") == error);
    CHECK(run(Change::Kind::create, "!This node is not a swarm manager.") ==
          "failed: this host is not a swarm manager; list the managers first in `hosts`");
    CHECK(run(Change::Kind::remove, "!The swarm does not have a leader.") ==
          "failed: this host is not a manager of a swarm with a quorum");
    // an error while it waits is not the end of the tasks
    CHECK(run(Change::Kind::remove, "[]", {"!busy", "[]"}) == "done: stack rm app\n");
}

TEST_CASE("docker.stack: what Docker would reject or misread is an error of the spec") {
    const ssh::SshType& type = cluster_type("docker.stack");
    const auto wrong = [&](const std::string& compose, const Value& variables = Value::map({})) {
        const auto all = complaints(type, stack(compose).with("variables", variables));
        return fmt::format("{}", fmt::join(all, "\n"));
    };
    const auto web = [](const std::string& more) {
        return "services:\n  web:\n    image: w\n" + more;
    };
    CHECK(wrong(web("")) == "");
    CHECK(wrong("services: {web: {image: '${IMAGE}'}}") ==
          "content:1:25: the variable IMAGE has no value");
    CHECK(wrong("services: {web: {image: '${IMAGE}'}}", Value::map({{"IMAGE", ""}})) == "");
    CHECK(wrong("services: {web: {image: '$IMAGE'}}", Value::map({{"IMAGE", "w"}})) == "");
    CHECK(wrong("services: {web: {image: '${IMAGE:-w}:${TAG-1}'}}") == "");
    CHECK(wrong("services: {web: {image: '${IMAGE:?which one}'}}") ==
          "content:1:25: the variable IMAGE has no value: which one");
    CHECK(wrong("services: {web: {image: '${IMAGE:?which one}'}}", Value::map({{"IMAGE", ""}})) ==
          "content:1:25: the variable IMAGE has no value: which one");
    CHECK(wrong(web("    command: echo $$HOME\n")) == "");
    CHECK(wrong(web("    command: echo $5\n")) ==
          "content:4:14: a $ that does not start a variable");
    CHECK(wrong(web("    # $COMMENT\n")) == "");
    CHECK(wrong(web("    deploy: {replicas: two}\n")) ==
          "content:4:24: `deploy.replicas` of the service web is \"two\", which is not a whole "
          "number");
    CHECK(wrong(web("    deploy: {replicas: '${N}'}\n"), Value::map({{"N", "3"}})) == "");
    CHECK(wrong(web("    deploy: {replicas: '${N}'}\n"), Value::map({{"N", Value::unknown()}})) ==
          "");
    CHECK(
        wrong(web("    deploy: {update_config: {order: first, delay: 10}}\n")) ==
        "content:4:37: `deploy.update_config.order` of the service web is \"first\", which is not "
        "one of start-first, stop-first\n"
        "content:4:51: `deploy.update_config.delay` of the service web is 10, which is not a "
        "duration such as 30s or 1m30s");
    CHECK(wrong(web("    stop_grace_period: 1m30s\n    healthcheck: {interval: 1.5h}\n")) == "");
    CHECK(wrong(web("    networks: [frnt]\nnetworks: {front: {}}\n")) ==
          "content:4:16: the service web uses the network frnt, which is not defined");
    CHECK(wrong(web("    networks: [default]\n")) == "");
    CHECK(wrong(web("    networks: {back: {aliases: [a]}}\n")) ==
          "content:4:16: the service web uses the network back, which is not defined");
    CHECK(
        wrong(web(
            "    volumes: ['data:/data', '/srv:/srv', {type: bind, source: /x, target: /x}]\n")) ==
        "content:4:15: the service web uses the volume data, which is not defined");
    CHECK(wrong(web("    secrets: [key]\n    configs: [{source: motd}]\n")) ==
          "content:5:15: the service web uses the config motd, which is not defined\n"
          "content:4:15: the service web uses the secret key, which is not defined");
    CHECK(wrong(web("    enviroment: {A: b}\n")) ==
          "content:4:5: a stack does not support the key `enviroment` in the service web");
    CHECK(wrong("services: {web: {command: a}}") == "content:1:17: the service web has no image");
    // Merged keys belong to the service.
    CHECK(wrong("x-a: &a {image: w, deploy: {replicas: one}}\nservices:\n  web:\n    <<: *a\n") ==
          "content:1:39: `deploy.replicas` of the service web is \"one\", which is not a whole "
          "number");
}
