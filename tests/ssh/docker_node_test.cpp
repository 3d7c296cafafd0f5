// docker.node: members of a swarm.
#include "cluster_fixture.h"

#include "core/file.h"
#include "core/hash.h"
#include "planner/plan/decide.h"
#include "planner/plan/plan.h"
#include "providers/ssh/docker_script.h"
#include "providers/ssh/place.h"
#include "server.h"

#include <fmt/format.h>

using namespace hadeploy;
using namespace hadeploy::test;
using ssh::Command;
using State = Observation::State;

namespace {

std::string info(const std::string& state, bool manager, const std::string& node = "n1",
                 const std::string& swarm = "swarm1") {
    return R"({"Swarm":{"NodeID":")" + node + R"(","NodeAddr":"10.77.0.11","LocalNodeState":")" +
           state + R"(","ControlAvailable":)" + (manager ? "true" : "false") +
           R"(,"Error":"","RemoteManagers":null,"Cluster":{"ID":")" + swarm + R"("}}})";
}

std::string node_entry(const std::string& id, const std::string& name, const std::string& state,
                       const std::string& availability = "active",
                       const std::string& labels = "{}") {
    return R"({"ID":")" + id + R"(","Version":{"Index":9},"Spec":{"Labels":)" + labels +
           R"(,"Role":"manager","Availability":")" + availability +
           R"("},"Description":{"Hostname":")" + name + R"("},"Status":{"State":")" + state +
           R"(","Addr":"10.77.0.11"},"ManagerStatus":{"Reachability":"reachable"}})";
}

Value node_config() {
    return normal(cluster_type("docker.node"), Value::map({{"host", connection("10.77.0.11")},
                                                           {"peers", three_hosts()},
                                                           {"name", "node1"}}));
}

} // namespace

TEST_CASE("docker.node: parsing the probe") {
    const auto& type = cluster_type("docker.node");
    const Value config = node_config();
    check_syntax(type.probe(request_for(type, config)));
    const auto see = [&](const std::string& out, const RecordedResource* recorded = nullptr) {
        return type.parse(request_for(type, config, recorded), {0, out, ""});
    };
    const std::string ours = std::string("up ") + kIdentity + "\n";
    const std::string nodes = "[" + node_entry("n2", "node2", "ready") + "," +
                              node_entry("n1", "node1", "ready", "drain", R"({"disk":"ssd"})") +
                              "]";

    CHECK(see("none\n").state == State::absent);
    CHECK(see(ours + reply(200, info("inactive", false, "")) + reply(503, "{}")).state ==
          State::absent);

    const Observation there = see(ours + reply(200, info("active", true)) + reply(200, nodes));
    CHECK(there.state == State::present);
    CHECK(there.foreign.empty());
    CHECK(there.attributes.text("node_id") == "n1");
    CHECK(there.attributes.text("swarm_id") == "swarm1");
    CHECK(there.attributes.text("role") == "manager");
    CHECK(there.attributes.text("availability") == "drain");
    CHECK(there.attributes.text("status") == "ready");
    CHECK(there.attributes["labels"] == Value::map({{"disk", "ssd"}}));

    SUBCASE("a worker cannot read its labels") {
        const Observation worker =
            see(ours + reply(200, info("active", false, "n1", "")) +
                reply(503, R"({"message":"This node is not a swarm manager."})"));
        CHECK(worker.attributes ==
              Value::map({{"node_id", "n1"}, {"role", "worker"}, {"status", "ready"}}));
    }
    SUBCASE("a stopped daemon blocks, and does not mean absent") {
        const Observation stopped = see("stopped\n");
        CHECK(stopped.state == State::blocked);
        CHECK(stopped.error->message == "Docker does not run on 10.77.0.11");
    }
    SUBCASE("no quorum is drift of the status") {
        const Observation lost = see(
            ours + reply(200, info("active", true, "n1", "")) +
            reply(
                500,
                R"({"message":"rpc error: code = Unknown desc = The swarm does not have a leader."})"));
        CHECK(lost.attributes.text("status") == "no quorum");
        CHECK_FALSE(lost.attributes.has("availability"));
        const RecordedResource recorded = record_of(
            config.with("status", "ready").with("role", "manager").with("swarm_id", "swarm1"));
        const Decision d = decide(type, config, &recorded, {}, lost);
        CHECK(d.action == Action::update);
        CHECK(d.verb == "repair");
    }
    SUBCASE("a swarm that hadeploy did not create is foreign") {
        const Observation other =
            see("up \n" + reply(200, info("active", true)) + reply(200, nodes));
        CHECK(contains(other.foreign, "10.77.0.11 is in a swarm (node n1)"));
        CHECK_THROWS_AS(decide(type, config, nullptr, {}, other), Error);
    }
    SUBCASE("a peer looks the node up by its id") {
        const RecordedResource recorded = record_of(config.with("node_id", "n1"));
        // on the node itself, after it has left
        CHECK(see("up \n" + reply(200, info("inactive", false, "")) + reply(503, "{}"), &recorded)
                  .state == State::absent);
        const std::string peer = "up other\n" + reply(200, info("active", true, "n2"));
        const std::string down = "[" + node_entry("n1", "node1", "down") + "]";
        const Observation dead = see(peer + reply(200, down), &recorded);
        CHECK(dead.state == State::present);
        CHECK(dead.foreign.empty());
        CHECK(dead.attributes.text("status") == "down");
        CHECK(see(peer + reply(200, "[" + node_entry("n2", "node2", "ready") + "]"), &recorded)
                  .state == State::absent);
    }
    SUBCASE("a node is not gone because Docker does not answer with a list") {
        const RecordedResource recorded = record_of(config.with("node_id", "n1"));
        const std::string peer = "up other\n" + reply(200, info("active", true, "n2"));
        CHECK(see(peer + reply(200, "half of a list"), &recorded).state == State::blocked);
        CHECK(see(peer + reply(500, "{}"), &recorded).state == State::blocked);
        CHECK_THROWS_AS(see(ours + reply(200, "{}") + reply(200, nodes)), Error);
    }
    SUBCASE("a truncated answer is a failure") {
        CHECK_THROWS_AS(see(ours), Error);
        CHECK_THROWS_AS(see(ours + reply(200, info("active", true))), Error);
    }
}

TEST_CASE("docker.node: joining asks all peers, and passes the token on standard input") {
    const auto& type = cluster_type("docker.node");
    const auto join = [&](const Value& config) {
        return type.commands(change_of(type, Change::Kind::create, {}, config));
    };
    const auto list = join(node_config().with("heartbeat", 10'000));
    REQUIRE(list.size() == 4);
    CHECK(contains(list[0].script, "the host is called"));
    for (const int asks : {1, 2}) {
        CHECK(list[asks].on.size() == 3);
        CHECK(list[asks].none_is_empty);
    }
    CHECK(list[3].on.empty());
    CHECK(contains(list[3].script, std::string("identity='") + kIdentity + "'\n"));
    CHECK(contains(list[3].script, "heartbeat='10000ms'\n"));
    CHECK(contains(join(node_config())[3].script, "heartbeat=''\n"));
    check_syntax(list);

    const Value labelled = node_config().with("labels", Value::map({{"a b", "it's"}}));
    const auto more = type.commands(change_of(type, Change::Kind::create, {}, labelled));
    REQUIRE(more.size() == 6);
    CHECK(more[4].on.size() == 1);
    CHECK(contains(more[5].script, "read -r node\n"));
    check_syntax(more);
}

TEST_CASE("docker.node: a join depends on the answers of its peers") {
    // Run by a real shell, with stand-ins for everything else.
    const auto& type = cluster_type("docker.node");
    const auto list = type.commands(
        change_of(type, Change::Kind::create, {}, node_config().with("heartbeat", 2000)));
    const auto own_functions = [](std::string script) {
        const std::size_t at = script.find("marker=");
        return at == std::string::npos ? script : script.substr(at);
    };
    const auto run = [&](const std::string& said, const std::string& state,
                         const std::string& mark = "") {
        const TempDir dir;
        std::string script = own_functions(list[3].script);
        const std::string marker = (dir.path / "lib" / "node").string();
        const std::size_t at = script.find('\n');
        script = "marker=" + marker + script.substr(at);
        if (!mark.empty()) {
            std::filesystem::create_directory(dir.path / "lib");
            write_file(marker, mark + "\n");
        }
        const std::string stubs = std::string(ssh::place_functions()) +
                                  "set -eu\n"
                                  "seconds() { echo 0; }\n"
                                  "late() { false; }\n"
                                  "docker_up() { :; }\n"
                                  "docker() { echo \"docker $*\" >&2; }\n"
                                  "docker_get() { case $1 in /info) echo '" +
                                  state +
                                  "';; *) echo 'reply 200 2 x';; esac; }\n"
                                  "docker_post() { printf 'post %s ' \"$1\" >&2; cat >&2; echo "
                                  ">&2; echo 'reply 200 0 x'; }\n";
        const ProcessResult result =
            run_process({.argv = {"sh", "-c", stubs + script}, .input = said});
        const bool marked = std::filesystem::exists(marker);
        return std::to_string(result.status) + (marked ? " marked\n" : "\n") + result.err;
    };
    const std::string none = R"({"LocalNodeState":"inactive"})";
    const std::string in = R"({"LocalNodeState":"active","Cluster":{"ID":"s1"}})";
    const std::string offer = "swarm s1\ntoken T-1\nmanagers 10.77.0.12:2377,10.77.0.13:2377\n";

    CHECK(run("", none) ==
          "0 marked\ndocker swarm init --advertise-addr 10.77.0.11 --availability active "
          "--dispatcher-heartbeat 2000ms\n");
    const std::string joined = run(offer, none);
    CHECK(joined.starts_with("0 marked\npost /swarm/join {"));
    CHECK(contains(joined,
                   R"("RemoteAddrs":["10.77.0.12:2377","10.77.0.13:2377"],"JoinToken":"T-1")"));
    CHECK(joined.ends_with("docker swarm join-token --rotate -q manager\n"));

    CHECK(run("refuse the swarm has lost its quorum\n", none) ==
          "1\nthe swarm has lost its quorum\n");
    CHECK(contains(run(offer, in), "hadeploy did not join it")); // a foreign swarm
    CHECK(run(offer, in, kIdentity)
              .starts_with("0 marked\ndocker swarm join-token")); // ours: finished
    CHECK(run("swarm s2\ntoken T\nmanagers a:1\n", in, kIdentity) ==
          "1 marked\n"
          "the node is in a different swarm than its peers; to make it leave: docker swarm leave "
          "--force\n");
    CHECK(run("swarm s1\nmanagers a:1\n", none) == "1\nthe swarm's manager gave no join token\n");
    CHECK(run(offer, R"({"LocalNodeState":"pending"})", kIdentity)
              .starts_with("0 marked\ndocker swarm leave --force\n"));
}

TEST_CASE("docker.node: a manager says how to join its swarm") {
    const auto& type = cluster_type("docker.node");
    const auto list = type.commands(change_of(type, Change::Kind::create, {}, node_config()));
    const auto ask = [&](const std::string& answers) {
        const std::string& script = list[1].script;
        const std::string stubs =
            "set -eu\n"
            "docker_up() { :; }\n"
            "docker_again() { \"$@\"; }\n"
            "docker_get() { echo '" +
            answers +
            "'; }\n"
            "docker() { case $1,$2 in\n"
            "    node,ls) echo old; echo other ;;\n"
            "    node,inspect) [ $3 = old ] && echo down 10.77.0.11 || echo ready 10.77.0.12 ;;\n"
            "    info,--format) echo swarm s1; echo managers 10.77.0.12:2377 ;;\n"
            "    swarm,join-token) echo \"T-$4\" ;;\n"
            "    *) echo \"docker $*\" ;;\n"
            "esac; }\n";
        const ProcessResult result = run_process(
            {.argv = {"sh", "-c", stubs + script.substr(script.find("role='manager'"))}});
        return std::to_string(result.status) + "\n" + result.out + result.err;
    };
    const std::string manager = R"({"ControlAvailable":true})", tokens = R"({"JoinTokens":{}})";
    const std::string offer = "swarm s1\nmanagers 10.77.0.12:2377\ntoken T-manager\n";
    CHECK(ask(R"({"ControlAvailable":false})") == "1\nnot a manager\n");
    CHECK(ask(manager) == "1\nit is a manager of a swarm that has lost its quorum\n");
    CHECK(ask(manager + tokens) == "0\n" + offer);
    // the entry of the machine before it was replaced
    CHECK(ask(manager + R"({"Addr":"10.77.0.11"})" + tokens) ==
          "0\ndocker node demote old\ndocker node rm --force old\n" + offer);
}

TEST_CASE("docker.node: updates and removal") {
    const auto& type = cluster_type("docker.node");
    const Value after = node_config().with("labels", Value::map({{"disk", "ssd"}}));
    const Value before = after.with("labels", Value::map({{"old", "1"}}))
                             .with("node_id", "n1")
                             .with("availability", "drain");
    const auto list = type.commands(
        change_of(type, Change::Kind::update, before, after, {"labels", "availability"}));
    REQUIRE(list.size() == 2);
    REQUIRE(list[0].on.size() == 3);
    CHECK(list[0].on[0].text("address") == "10.77.0.11"); // a manager updates itself
    CHECK(contains(list[0].script, "node='n1'\n"));
    CHECK(
        contains(list[0].script,
                 "--availability active --label-add '\\''disk=ssd'\\'' --label-rm '\\''old'\\''"));
    CHECK(contains(list[0].script, "demote=''\n"));
    check_syntax(list);

    const auto worker = type.commands(
        change_of(type, Change::Kind::update, before, after.with("role", "worker"), {"role"}));
    CHECK(contains(worker[0].script, "demote='1'\n"));
    CHECK(contains(worker[0].script, "--role worker"));

    const auto mend =
        type.commands(change_of(type, Change::Kind::update, before, after, {"status"}));
    REQUIRE(mend.size() == 3);
    CHECK(mend[0].on.size() == 2);
    CHECK(mend[0].none_is_empty);
    CHECK(mend[1].on.empty());
    check_syntax(mend);
    CHECK_THROWS_AS(
        type.commands(change_of(type, Change::Kind::update, before, after, {"swarm_id"})), Error);

    const auto leave = type.commands(change_of(type, Change::Kind::remove, before, {}));
    REQUIRE(leave.size() == 3);
    for (const int elsewhere : {0, 2}) {
        REQUIRE(leave[elsewhere].on.size() == 2); // the others
        CHECK(leave[elsewhere].none_is_empty);
    }
    check_syntax(leave);
}

TEST_CASE("docker.node: a member that does not reconnect to a healthy swarm") {
    const auto& type = cluster_type("docker.node");
    const TempDir dir;
    const Value after = node_config();
    const Value before = after.with("node_id", "n1").with("role", "manager");
    const auto mend =
        type.commands(change_of(type, Change::Kind::update, before, after, {"status"}));
    REQUIRE(mend.size() == 3);
    const std::string restarted = (dir.path / "restarted").string();
    // The answers of the member until Docker is restarted, and those of the others.
    const auto run = [&](const std::string& entry, const std::string& said) {
        std::filesystem::remove(restarted);
        const std::string script = mend[1].script.substr(mend[1].script.find("role='manager'"));
        const std::string stubs =
            "set -eu\n"
            "docker_up() { :; }\n"
            "sleep() { :; }\n"
            "tries=0\n"
            "seconds() { echo 0; }\n"
            "late() { tries=$((tries + 1)); [ $tries -gt $2 ]; }\n" // of any wait, in looks
            "systemctl() { echo \"systemctl $*\" >&2; echo >'" +
            restarted +
            "'; }\n"
            "docker_get() { case $1 in\n"
            "  /info) echo '{\"NodeID\":\"n1\",\"LocalNodeState\":\"active\","
            "\"ControlAvailable\":true}';;\n"
            "  *) if [ -e '" +
            restarted + "' ]; then echo 'reply 200 2 {\"State\":\"ready\"}'; else echo '" + entry +
            "'; fi;; esac; }\n";
        const ProcessResult result =
            run_process({.argv = {"sh", "-c", stubs + script}, .input = said});
        return std::to_string(result.status) + " " + result.err;
    };
    const std::string lost = R"(reply 503 2 {"message":"The swarm does not have a leader"})";
    const std::string down = R"(reply 200 2 {"State":"down"})";
    CHECK(run(R"(reply 200 2 {"State":"ready"})", "listed\n") == "0 ");
    CHECK(run(lost, "listed\n") == "0 systemctl restart docker\n");
    CHECK(run(down, "listed\n") == "0 systemctl restart docker\n");
    // none of the others has a quorum, so a restart would not help
    CHECK(run(lost, "").starts_with("1 waited for two minutes: the swarm has lost its quorum;"));
    CHECK(run(down, "").starts_with("1 waited for two minutes: the swarm does not report it as"));
}

TEST_CASE("docker.node: the swarm's heartbeat is compared, and changed") {
    const auto& type = cluster_type("docker.node");
    const Value config = node_config().with("heartbeat", 10'000);
    const RecordedResource known =
        record_of(config.with("node_id", "n1").with("swarm_id", "s1").with("status", "ready"));
    const auto changes = [&](const std::string& heartbeat) {
        const std::string info = R"({"Swarm":{"LocalNodeState":"active","NodeID":"n1",)"
                                 R"("ControlAvailable":true,"Cluster":{"ID":"s1","Spec":{)"
                                 R"("Dispatcher":{"HeartbeatPeriod":)" +
                                 heartbeat + "}}}}}";
        const std::string nodes =
            R"([{"ID":"n1","Spec":{"Role":"manager","Availability":"active"},)"
            R"("Status":{"State":"ready"}}])";
        const std::string out =
            "up " + std::string(kIdentity) + "\n" + reply(200, info) + reply(200, nodes);
        std::string names;
        for (const AttributeChange& c :
             decide(type, config, &known, {},
                    type.parse(request_for(type, config, &known), {0, out, ""}))
                 .changes)
            names += c.name + " ";
        return names;
    };
    CHECK(changes("10000000000") == "");
    CHECK(changes("5000000000") == "heartbeat ");
    const auto list = type.commands(
        change_of(type, Change::Kind::update, known.attributes, config, {"heartbeat"}));
    REQUIRE(list.size() == 1);
    CHECK(contains(list[0].script, "heartbeat='10000ms'\n"));
    CHECK(contains(list[0].script, "docker swarm update --dispatcher-heartbeat"));
    CHECK(list[0].on.size() == 3);
    check_syntax(list);
}

TEST_CASE("docker.node: a manager is removed only if the quorum is kept") {
    const auto& type = cluster_type("docker.node");
    const Value before = node_config().with("node_id", "n1").with("role", "manager");
    const auto leave = type.commands(change_of(type, Change::Kind::remove, before, {}));
    const auto run = [&](const std::string& entry, const std::string& managers, int answer = 200) {
        std::string script = leave[0].script.substr(leave[0].script.find("node='n1'"));
        const std::string stubs = std::string(ssh::place_functions()) +
                                  "set -eu\n"
                                  "seconds() { echo 0; }\n"
                                  "late() { true; }\n"
                                  "docker_up() { :; }\n"
                                  "docker_again() { \"$@\"; }\n"
                                  "docker() { case \"$*\" in\n"
                                  "  *'node inspect'*) echo '" +
                                  entry + "'; [ -n '" + entry +
                                  "' ];;\n"
                                  "  *'node ls'*) printf '" +
                                  managers +
                                  "';;\n"
                                  "  *'node ps'*|*'service ls'*) ;;\n"
                                  "  *) echo \"docker $*\" >&2;; esac; }\n"
                                  "docker_get() { echo 'reply " +
                                  std::to_string(answer) + " 2 x'; echo '[]'; }\n";
        const ProcessResult result = run_process({.argv = {"sh", "-c", stubs + script}});
        return (result.status == 0 ? "" : "failed: ") + result.out + result.err;
    };
    const std::string drained = "docker node update --availability drain n1\n";
    const std::string gone = "out\n" + drained + "docker node demote n1\n";
    CHECK(run("ready manager reachable", "Leader\\nReachable\\nReachable\\n") == gone);
    CHECK(run("ready worker ", "Leader\\n\\n") == "out\n" + drained);
    CHECK(run("down manager unreachable", "Leader\\nReachable\\nUnreachable\\n") == gone);
    CHECK(run("ready manager reachable", "Leader\\nReachable\\nUnreachable\\n")
              .starts_with("refuse only 1 of the swarm's other managers can be reached"));
    CHECK(run("ready manager reachable", "Leader\\nReachable\\n") == gone);
    // Only "no such node" means that the swarm no longer lists it.
    CHECK(run("", "", 404) == "gone\n");
    CHECK(run("", "", 500) == "failed: not a manager, or without quorum\n");
    CHECK(run("", "") == "failed: "); // the docker command fails
}

TEST_CASE("docker.node: the successors of the tasks run before a manager is demoted") {
    const auto& type = cluster_type("docker.node");
    const Value before = node_config().with("node_id", "n1").with("role", "manager");
    const auto leave = type.commands(change_of(type, Change::Kind::remove, before, {}));
    const std::string script = leave[0].script.substr(leave[0].script.find("node='n1'"));
    CHECK(leave[0].waits == 3 * std::chrono::minutes(3));
    // Each look at the services shows the next line; the last one stays.
    const auto run = [&](const std::string& looks) {
        const TempDir dir;
        write_file(dir.path / "looks", looks);
        const std::string stubs =
            std::string(ssh::place_functions()) + std::string(ssh::docker::functions()) +
            "set -eu\ncd '" + dir.path.string() +
            "'\n"
            "sleep() { :; }\ntries=0\n"
            "late() { tries=$((tries + 1)); [ $tries -gt 20 ]; }\n"
            "docker_up() { :; }\n"
            "docker_again() { \"$@\"; }\n"
            "docker() { case \"$*\" in\n"
            "  *'node inspect'*) echo ready manager reachable;;\n"
            "  *'node ls'*) printf 'Leader\\nReachable\\nReachable\\n';;\n"
            "  *'mode=replicated'*) head -n 1 looks | tr ',' '\\n'; echo look >&2\n"
            "    [ \"$(wc -l <looks)\" = 1 ] || sed -i 1d looks;;\n"
            "  *'node ps'*|*'service ls'*) ;;\n"
            "  *) echo \"docker $*\" >&2;; esac; }\n"
            "docker_get() { echo 'reply 200 2 x'; echo '[]'; }\n";
        const ProcessResult result = run_process({.argv = {"sh", "-c", stubs + script}});
        CHECK(result.status == 0);
        return result.err;
    };
    const std::string drain = "docker node update --availability drain n1\n";
    const std::string demote = "docker node demote n1\n";
    CHECK(run("2/2,1/1\n") == drain + "look\n" + demote);
    CHECK(run("1/2,1/1\n2/2,2/3\n2/2 (max 1 per node),3/3\n") ==
          drain + "look\nlook\nlook\n" + demote);
    CHECK(run("\n") == drain + "look\n" + demote); // no services
    // a task that runs nowhere does not block the removal for ever
    const std::string stuck = run("1/2\n");
    CHECK(stuck.starts_with(drain + "look\nlook\nlook\n"));
    CHECK(stuck.ends_with("look\n" + demote));
}

TEST_CASE("docker.node: an entry counts as removed only if Docker does not find it") {
    const auto& type = cluster_type("docker.node");
    const Value before = node_config().with("node_id", "n1").with("role", "worker");
    const std::string script =
        type.commands(change_of(type, Change::Kind::remove, before, {}))[2].script;
    // The answer before and after `docker node rm`, which fails.
    const auto forget = [&](int first, int second) {
        const std::string stubs =
            fmt::format("set -eu\nasked={}\ndocker_up() {{ :; }}\ndocker_again() {{ \"$@\"; }}\n"
                        "docker() {{ asked={}; echo \"docker $*\"; return 1; }}\n"
                        "docker_get() {{ echo \"reply $asked 2 x\"; }}\n",
                        first, second);
        const ProcessResult result =
            run_process({.argv = {"sh", "-c", stubs + script.substr(script.find("node='n1'"))}});
        return std::to_string(result.status) + " " + result.out;
    };
    CHECK(forget(404, 404) == "0 ");
    CHECK(forget(500, 500) == "1 ");
    CHECK(forget(200, 404) == "0 docker node rm --force n1\n");
    CHECK(forget(200, 500) == "1 docker node rm --force n1\n");
}
