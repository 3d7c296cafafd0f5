#include "cluster_fixture.h"

#include "core/file.h"
#include "core/hash.h"
#include "planner/plan/decide.h"
#include "planner/plan/plan.h"
#include "providers/ssh/docker_script.h"
#include "providers/ssh/place.h"
#include "server.h"

#include <archive.h>
#include <archive_entry.h>

using namespace hadeploy;
using namespace hadeploy::test;
using ssh::Command;
using State = Observation::State;

namespace {

const std::string kId(64, 'a');

/// A minimal image archive, with only id and tag.
void write_archive(const std::string& path, const std::string& manifest) {
    archive* out = archive_write_new();
    archive_write_set_format_ustar(out);
    REQUIRE(archive_write_open_filename(out, path.c_str()) == ARCHIVE_OK);
    for (const auto& [name, text] :
         {std::pair<std::string, std::string>{"layer.tar", std::string(5000, 'x')},
          {"manifest.json", manifest}}) {
        archive_entry* entry = archive_entry_new();
        archive_entry_set_pathname(entry, name.c_str());
        archive_entry_set_size(entry, static_cast<la_int64_t>(text.size()));
        archive_entry_set_filetype(entry, AE_IFREG);
        archive_entry_set_perm(entry, 0644);
        archive_write_header(out, entry);
        archive_write_data(out, text.data(), text.size());
        archive_entry_free(entry);
    }
    archive_write_free(out);
}

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

TEST_CASE("docker: API answers are delimited by length") {
    const std::string out = "a banner\n" + reply(200, "{\"a\":\"reply 200 1 x\\n\"}") +
                            reply(503, R"({"message":"This node is not a swarm manager."})");
    const auto replies = ssh::docker::parse_replies(out);
    REQUIRE(replies.size() == 2);
    CHECK(replies[0].status == 200);
    CHECK(replies[0].body["a"] == "reply 200 1 x\n");
    CHECK(replies[0].server == "Docker/20.10.24+dfsg1 (linux)");
    CHECK(replies[1].message() == "This node is not a swarm manager.");
    CHECK(ssh::docker::parse_replies(out.substr(0, out.size() - 9)).size() == 1);
    CHECK(ssh::docker::filter("label", "a=b") == "filters=%7B%22label%22%3A%5B%22a%3Db%22%5D%7D");
}

TEST_CASE("docker.engine: parsing the probe") {
    const auto& type = cluster_type("docker.engine");
    const Value config = normal(type, Value::map({{"host", connection("10.77.0.11")}}));
    check_syntax(type.probe(request_for(type, config)));
    const auto see = [&](const std::string& out) {
        return type.parse(request_for(type, config), {0, out, ""});
    };
    CHECK(see("missing\n").state == State::absent);

    const Observation runs = see("running\nenabled\n" + reply(200, "OK"));
    CHECK(runs.attributes.flag("running"));
    CHECK(runs.attributes.flag("enabled"));
    CHECK_FALSE(runs.attributes.flag("installed"));
    CHECK(runs.attributes.text("version") == "20.10.24+dfsg1");
    CHECK_FALSE(runs.attributes.has("settings")); // not managed

    const Observation stopped = see("enabled\nours\n");
    CHECK(stopped.attributes["running"] == Value(false));
    CHECK(stopped.attributes.flag("installed"));
    const Decision d = decide(type, config, nullptr, {}, stopped);
    CHECK(d.action == Action::update);
    CHECK(d.verb == "start");
}

TEST_CASE("docker.engine: settings are compared as a whole and written") {
    const auto& type = cluster_type("docker.engine");
    const Value settings =
        Value::map({{"log-driver", "json-file"}, {"log-opts", Value::map({{"max-size", "10m"}})}});
    const Value config =
        normal(type, Value::map({{"host", connection("10.77.0.11")}, {"settings", settings}}));
    const auto see = [&](const std::string& file) {
        const std::string out = "running\nenabled\nsettings\n" + file + "end of settings\n";
        return type.parse(request_for(type, config), {0, out, ""}).attributes["settings"];
    };
    CHECK(see("{\"log-opts\":{\"max-size\":\"10m\"},\n \"log-driver\":\"json-file\"}\n") ==
          settings);
    CHECK(see("{\"log-driver\":\"local\"}\n") != settings);
    CHECK(see("{broken\n") == Value("{broken\n"));

    const auto update =
        type.commands(change_of(type, Change::Kind::update, Value::map({}), config, {"settings"}));
    REQUIRE(update.size() == 1);
    CHECK(from_json(update[0].input) == settings);
    CHECK(contains(update[0].script, "systemctl stop docker"));
    const auto start =
        type.commands(change_of(type, Change::Kind::update, Value::map({}), config, {"running"}));
    REQUIRE(start.size() == 1);
    CHECK(start[0].input.empty());
    CHECK(contains(start[0].script,
                   "[ -L /etc/systemd/system/multi-user.target.wants/docker.service ] || "
                   "systemctl -q --no-reload enable docker\n"));
    check_syntax(update);
    check_syntax(type.commands(change_of(type, Change::Kind::create, {}, config)));

    CHECK(
        complaints(type, Value::map({{"settings", Value::map({{"live-restore", true}})}})).size() ==
        1);
    // an existing installation stays, ours is removed
    CHECK(
        type.commands(change_of(type, Change::Kind::remove, Value::map({{"installed", false}}), {}))
            .empty());
    const auto remove =
        type.commands(change_of(type, Change::Kind::remove, config.with("installed", true), {}));
    CHECK(remove.size() == 2);
    check_syntax(remove);
}

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
          "1 marked\nthe node is in another swarm than its peers; to make it leave: docker swarm "
          "leave "
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
    REQUIRE(mend.size() == 2);
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
    REQUIRE(mend.size() == 2);
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
    const auto run = [&](const std::string& entry, const std::string& managers) {
        std::string script = leave[0].script.substr(leave[0].script.find("node='n1'"));
        const std::string stubs = std::string(ssh::place_functions()) +
                                  "set -eu\n"
                                  "seconds() { echo 0; }\n"
                                  "late() { true; }\n"
                                  "docker_up() { :; }\n"
                                  "docker_again() { \"$@\"; }\n"
                                  "docker() { case \"$*\" in\n"
                                  "  *'node inspect'*) echo '" +
                                  entry +
                                  "';;\n"
                                  "  *'node ls'*) printf '" +
                                  managers +
                                  "';;\n"
                                  "  *) echo \"docker $*\" >&2;; esac; }\n"
                                  "docker_get() { echo 'reply 200 2 x'; echo '[]'; }\n";
        const ProcessResult result = run_process({.argv = {"sh", "-c", stubs + script}});
        return result.out + result.err;
    };
    const std::string drained = "docker node update --availability drain n1\n";
    const std::string gone = "out\n" + drained + "docker node demote n1\n";
    CHECK(run("ready manager reachable", "Leader\\nReachable\\nReachable\\n") == gone);
    CHECK(run("ready worker ", "Leader\\n\\n") == "out\n" + drained);
    CHECK(run("down manager unreachable", "Leader\\nReachable\\nUnreachable\\n") == gone);
    CHECK(run("ready manager reachable", "Leader\\nReachable\\nUnreachable\\n")
              .starts_with("refuse only 1 of the swarm's other managers can be reached"));
    CHECK(run("ready manager reachable", "Leader\\nReachable\\n") == gone);
}

TEST_CASE("docker.image: id and tag come from the archive") {
    const auto& type = cluster_type("docker.image");
    const TempDir dir;
    const std::string path = (dir.path / "web.tar").string();
    const std::string manifest =
        R"([{"Config":")" + kId +
        R"(.json","RepoTags":["hadeploy/web:1a2b"],"Layers":["layer.tar"]}])";
    write_archive(path, manifest);
    const Value plain = Value::map({{"host", connection("10.77.0.11")}, {"archive", path}});
    const Value config = normal(type, plain);
    CHECK(config.text("id") == "sha256:" + kId);
    CHECK(config.text("tag") == "hadeploy/web:1a2b");
    CHECK(type.derive(Value::map({{"archive", Value::unknown()}}))["id"].is_unknown());
    CHECK(type.claims(config) ==
          std::vector<std::string>{"image hadeploy/web:1a2b on 10.77.0.11:22"});
    CHECK(type.claims(plain).empty()); // unreadable archives are not duplicates

    const auto see = [&](const std::string& out) {
        return type.parse(request_for(type, config), {0, out, ""}).state;
    };
    check_syntax(type.probe(request_for(type, config)));
    CHECK(see("present\n") == State::present);
    CHECK(see("") == State::absent);
    CHECK(see(reply(404, R"({"message":"No such image"})")) == State::absent);
    CHECK(see(reply(200, R"({"RepoTags":["hadeploy/web:1a2b"]})")) == State::present);
    CHECK(see(reply(200, R"({"RepoTags":["other:1"]})")) == State::absent);
    CHECK(see(reply(200, R"({"RepoTags":null})")) == State::absent);

    const auto load = type.commands(change_of(type, Change::Kind::create, {}, config));
    REQUIRE(load.size() == 1);
    CHECK(load[0].input_file == path);
    check_syntax(type.commands(change_of(type, Change::Kind::remove, config, {})));

    const auto refuses = [&](const std::string& text) {
        write_archive(path, text);
        try {
            type.derive(plain);
        } catch (const Error& error) {
            return error.message.substr(path.size() + 2);
        }
        return std::string("taken");
    };
    CHECK(refuses("{}") == "its manifest.json does not describe exactly one image");
    CHECK(refuses(R"([{"Config":"x","RepoTags":["a:1"]}])") ==
          "its manifest.json does not name the config by its digest");
    CHECK(refuses(R"([{"Config":")" + kId + R"(","RepoTags":null}])") == "its image has no tag");
    CHECK_THROWS_AS(type.derive(plain.with("archive", (dir.path / "none").string())), Error);
    write_file(dir.path / "web.tar", std::string(2000, 'z'));
    CHECK_THROWS_AS(type.derive(plain), Error);
}

TEST_CASE("docker.stack: the digest covers everything that is deployed") {
    const auto& type = cluster_type("docker.stack");
    const TempDir dir;
    write_file(dir.path / "stack.yml", "version: '3.8'\n"
                                       "services: {web: {image: 'web:1', env_file: app.env}}\n"
                                       "configs: {motd: {file: ./etc/motd}}\n"
                                       "secrets: {outside: {external: true}}\n");
    std::filesystem::create_directory(dir.path / "etc");
    write_file(dir.path / "etc/motd", "it's here\n");
    write_file(dir.path / "app.env", "A=1\n");
    const Value plain = Value::map({{"hosts", three_hosts()},
                                    {"name", "demo"},
                                    {"compose", (dir.path / "stack.yml").string()},
                                    {"variables", Value::map({{"TAG", "1"}})}});
    const Value config = normal(type, plain);
    const std::string before = config.text("sha256");
    CHECK(before.size() == 64);
    CHECK(type.derive(plain.with("variables", Value::map({{"TAG", "2"}}))).text("sha256") !=
          before);
    CHECK(type.derive(plain.with("variables", Value::map({{"TAG", Value::unknown()}})))["sha256"]
              .is_unknown());

    const auto list = type.commands(change_of(type, Change::Kind::create, {}, config));
    REQUIRE(list.size() == 5);
    CHECK(list[1].input.starts_with("version: '3.8'\n"));
    CHECK(contains(list[1].script, "printf %s 'it'\\''s here\n' >'etc/motd'\n"));
    CHECK(contains(list[1].script, "mkdir -p 'etc'\n"));
    CHECK(contains(list[1].script, "export TAG='1'\n"));
    CHECK(contains(list[1].script, "options='--resolve-image never --prune'\n"));
    CHECK(contains(list[2].script, "seconds=300\n"));
    // A swarm cannot change a config, so each content has its own name.
    const std::string motd = "demo_motd_" + sha256_hex("it's here\n").substr(0, 12);
    CHECK(contains(list[1].script, R"(names='{"configs":{"motd":{"file":"./etc/motd","name":")" +
                                       motd + R"("}},"version":"3.8"})"));
    CHECK(contains(list[3].script, "current=' " + motd + " '\n"));
    check_syntax(list);
    CHECK(type.commands(change_of(type, Change::Kind::create, {}, config.with("wait", 0))).size() ==
          3);
    check_syntax(type.commands(change_of(type, Change::Kind::remove, config, {})));

    write_file(dir.path / "stack.yml", "---\nservices: {web: {image: 'web:1'}}");
    const auto sent = [&] {
        return type.commands(change_of(type, Change::Kind::create, {}, normal(type, plain)))[1]
            .input;
    };
    CHECK(sent() == "---\nservices: {web: {image: 'web:1'}}\nversion: \"3.8\"\n");
    write_file(dir.path / "stack.yml", "{services: {web: {image: 'web:1'}}}");
    CHECK(sent() == "{version: \"3.8\", services: {web: {image: 'web:1'}}}");
    for (const char* version : {"'3.1'", "\"3.4\""}) {
        write_file(dir.path / "stack.yml", "version: " + std::string(version) +
                                               "\nservices: {}\nconfigs: {m: {file: etc/motd}}\n");
        CHECK(sent() == "version: \"3.5\"\nservices: {}\nconfigs: {m: {file: etc/motd}}\n");
    }
    write_file(dir.path / "stack.yml", "services: {web: {image: a, configs: [motd]}}\n"
                                       "configs: {motd: {file: ./etc/motd}}\n");

    write_file(dir.path / "etc/motd", "something else\n");
    CHECK(type.derive(plain).text("sha256") != before);
    write_file(dir.path / "stack.yml", "services: {web: {image: a, env_file: ../secret}}\n");
    CHECK_THROWS_AS(type.derive(plain), Error);
    write_file(dir.path / "stack.yml", "services: [\n");
    CHECK_THROWS_AS(type.derive(plain), Error);
    write_file(dir.path / "stack.yml", "version: '3'\n");
    CHECK_THROWS_AS(type.derive(plain), Error);

    CHECK(complaints(type, plain.without("compose")).size() == 1);
    CHECK(complaints(type, plain.with("content", "x")).size() == 1);
    CHECK(complaints(type, plain.with("variables", Value::map({{"A B", "x"}}))).size() == 1);
}

TEST_CASE("docker.stack: parsing the probe") {
    const auto& type = cluster_type("docker.stack");
    const Value config = normal(
        type,
        Value::map({{"hosts", three_hosts()}, {"name", "demo"}, {"content", "services: {}"}}));
    check_syntax(type.probe(request_for(type, config)));
    const auto see = [&](const std::string& out, const RecordedResource* recorded = nullptr) {
        return type.parse(request_for(type, config, recorded), {0, out, ""});
    };
    const auto service = [](int replicas, int force = 0, const std::string& image = "web:1") {
        return R"([{"ID":"s","Spec":{"Name":"demo_web","TaskTemplate":{"ContainerSpec":{"Image":")" +
               image + R"("},"ForceUpdate":)" + std::to_string(force) +
               R"(},"Mode":{"Replicated":{"Replicas":)" + std::to_string(replicas) + "}}}}]";
    };
    const std::string config_object =
        R"([{"ID":"c","Spec":{"Labels":{"hadeploy.sha256":")" + config.text("sha256") + R"("}}}])";

    CHECK(see("none\n").state == State::absent);
    CHECK(see("stopped\n").state == State::blocked);
    CHECK(see(reply(200, "[]") + reply(200, "[]")).state == State::absent);
    const std::string worker = reply(503, R"({"message":"This node is not a swarm manager."})");
    const RecordedResource known = record_of(config);
    CHECK(see(worker + worker).state == State::absent); // there is no swarm yet
    CHECK(see(worker + worker, &known).state == State::blocked);
    const std::string lost = reply(500, R"({"message":"The swarm does not have a leader."})");
    CHECK(see(lost + lost, &known).state == State::blocked);
    CHECK_THROWS_AS(see(reply(200, "[]") + reply(500, R"({"message":"no"})")), Error);
    CHECK_THROWS_AS(see(""), Error);

    const Observation there = see(reply(200, service(2)) + reply(200, config_object));
    CHECK(there.foreign.empty());
    CHECK(there.attributes["services"]["web"].integer("replicas") == 2);
    CHECK(there.attributes["sha256"] == config["sha256"]);
    CHECK_FALSE(see(reply(200, service(2)) + reply(200, "[]")).foreign.empty());

    const RecordedResource deployed =
        record_of(config.with("services", there.attributes["services"]));
    const auto drift = [&](const std::string& services) {
        return decide(type, config, &deployed, {},
                      see(reply(200, services) + reply(200, config_object), &deployed))
            .action;
    };
    // A manual change is reported as the changed setting.
    const auto settings = [&](const std::string& spec) {
        const std::string one = R"([{"ID":"s","Spec":{"Name":"demo_web",)" + spec + "}}]";
        return see(reply(200, one) + reply(200, config_object))
            .attributes["services"]["web"]["settings"];
    };
    const Value limited = settings(
        R"("Labels":{"a":"b"},"TaskTemplate":{"ContainerSpec":{"Image":"w","Env":["PASS=x","Q="]},)"
        R"("Resources":{"Limits":{"NanoCPUs":500}}})");
    CHECK(limited["Resources.Limits.NanoCPUs"] == Value("500"));
    CHECK(limited["Labels.a"] == Value("b"));
    CHECK(limited["Container.Env.PASS"].as_string().starts_with("sha256:"));
    CHECK(limited["Container.Env.PASS"] != limited["Container.Env.Q"]);
    CHECK(limited.as_map().size() == 4);
    // A record of an older version has a digest of the settings instead.
    const Value old = Value::map({{"mode", "replicated"},
                                  {"image", "web:1"},
                                  {"replicas", 2},
                                  {"spec", "c0d3fc4770ba0a43"}});
    const RecordedResource older = record_of(config.with("services", Value::map({{"web", old}})));
    CHECK_FALSE(decide(type, config, &older, {},
                       see(reply(200, service(2)) + reply(200, config_object), &older))
                    .action.has_value());
    CHECK(decide(type, config, &older, {},
                 see(reply(200, service(2, 0, "web:2")) + reply(200, config_object), &older))
              .action == Action::update);
    CHECK_FALSE(drift(service(2)).has_value());
    CHECK_FALSE(drift(service(2, 5)).has_value()); // only restarted
    CHECK(drift(service(5)) == Action::update);
    CHECK(drift(service(2, 0, "web:2")) == Action::update);
    CHECK(drift("[]") == Action::update);
}

TEST_CASE("each type that changes a host kills hanging commands") {
    for (const char* name : {"docker.engine", "docker.node", "docker.image", "docker.stack",
                             "docker.drain", "gluster.pool", "gluster.volume", "gluster.mount"}) {
        INFO(name);
        const ssh::SshType& type = cluster_type(name);
        const Attribute* timeout = find_attribute(type.schema, "timeout");
        REQUIRE(timeout != nullptr);
        CHECK(type.bounded);
        CHECK(timeout->operational);
        CHECK(timeout->default_value->as_integer() >= 1'800'000);
    }
}

TEST_CASE("docker.engine: a secret setting is written to daemon.json, readable only by root") {
    const auto& type = cluster_type("docker.engine");
    const Value config =
        normal(type, Value::map({{"host", connection("10.77.0.11")},
                                 {"settings", Value::map({{"proxy", Value("canary").as_secret()},
                                                          {"debug", true}})}}));
    const auto list = type.commands(change_of(type, Change::Kind::create, {}, config));
    CHECK(contains(list.back().input, "\"proxy\": \"canary\""));
    CHECK(contains(list.back().script, "umask 077"));
    for (const Command& command : list) CHECK(!contains(command.script, "canary"));
    const Observation seen = type.parse(
        request_for(type, config),
        {0, "running\nenabled\nsettings\n" + list.back().input + "end of settings\n", ""});
    CHECK(seen.attributes["settings"] == config["settings"]);
}
