// docker.network, docker.volume, docker.secret, docker.config and docker.container as data, and the
// script that changes objects against a fake socket. tests/docker/objects_test.py uses a real
// Docker; only errors that a healthy server does not return are covered here alone.
#include "core/hash.h"
#include "providers/ssh/docker_container_body.h"
#include "providers/ssh/explain.h"
#include "providers/ssh/provider.h"
#include "ssh/cluster_fixture.h"
#include "ssh/docker_daemon.h"

#include <doctest/doctest.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

using namespace hadeploy;
using namespace hadeploy::test;

namespace {
Value object_on_host(std::initializer_list<std::pair<std::string_view, Value>> more) {
    return Value::map({{"host", connection("10.77.0.11")}, {"name", "it"}})
        .with_all(Value::map(more));
}

Value object_in_swarm(std::initializer_list<std::pair<std::string_view, Value>> more) {
    return Value::map({{"hosts", three_hosts()}, {"name", "it"}}).with_all(Value::map(more));
}

std::string problems_in(const char* type, const Value& config) {
    const ssh::SshType& of = cluster_type(type);
    return fmt::format("{}", fmt::join(complaints(of, normal(of, config)), "\n"));
}

Observation look_at(const char* type, const Value& config, const std::string& out,
                    const RecordedResource* recorded = nullptr) {
    const ssh::SshType& of = cluster_type(type);
    return ssh::observation_from(request_for(of, normal(of, config), recorded), {0, out, ""});
}

const std::string kOurs = fmt::format(R"("Labels":{{"hadeploy.identity":"{}"}})", kIdentity);
} // namespace

TEST_CASE("docker.network: what Docker would refuse or ignore is an error of the spec") {
    const auto net = [](auto... more) {
        return problems_in("docker.network", object_on_host({more...}));
    };
    using P = std::pair<std::string_view, Value>;
    CHECK(net() == "");
    CHECK(net(P{"subnet", "10.20.0.0/24"}, P{"gateway", "10.20.0.1"}) == "");
    CHECK(net(P{"subnet", "10.20.0.0/24"}, P{"gateway", "10.20.1.1"}) ==
          "\"10.20.1.1\" is not in the subnet 10.20.0.0/24");
    CHECK(net(P{"subnet", "10.20.0.0/24"}, P{"ip_range", "10.20.0.0/23"}) ==
          "\"10.20.0.0/23\" is not in the subnet 10.20.0.0/24");
    CHECK(net(P{"gateway", "10.20.1.1"}) == "`gateway` needs a `subnet`");
    CHECK(net(P{"subnet", "10.77.0.0/16"}) ==
          "the subnet 10.77.0.0/16 contains the address of the host, 10.77.0.11");
    CHECK(net(P{"driver", "overlay"}) == "an overlay network belongs to a swarm, not to one host");
    CHECK(contains(net(P{"attachable", true}), "`attachable` is for overlay networks"));
    CHECK(net(P{"name", "bridge"}) == "\"bridge\" is a network of Docker itself");
    CHECK(net(P{"hosts", three_hosts()}) == "`host` and `hosts` cannot be used together");
    CHECK(net(P{"labels", Value::map({{"hadeploy.identity", "x"}})}) ==
          "\"hadeploy.identity\" is not a label that can be set");
    CHECK(problems_in("docker.network", Value::map({{"name", "it"}})) ==
          "a docker.network needs `host` or `hosts`");
    CHECK(problems_in("docker.network", object_in_swarm({{"attachable", true}})) == "");
    CHECK(problems_in("docker.network", object_in_swarm({{"driver", "bridge"}})) ==
          "the driver \"bridge\" makes networks of one host, not of a swarm");
}

TEST_CASE("docker.network: networks on different hosts may have the same addresses") {
    const ssh::SshType& type = cluster_type("docker.network");
    const auto use = [&](const Value& config) {
        return type.networks(normal(type, config.with("subnet", "10.20.0.0/24"))).at(0);
    };
    const NetworkUse one = use(object_on_host({}));
    CHECK(one.network == "the network it on 10.77.0.11:22");
    CHECK(one.space == "10.77.0.11:22");
    CHECK(use(object_on_host({{"host", connection("10.77.0.12")}})).space == "10.77.0.12:22");
    CHECK(use(object_in_swarm({})).space == "the swarm of 10.77.0.11:22");
}

TEST_CASE("docker.network: the existing networks") {
    const std::string rest = R"("Driver":"bridge","Scope":"local","IPAM":{"Config":[)"
                             R"({"Subnet":"10.20.0.0/24","Gateway":"10.20.0.1"}]},)";
    const auto list = [&](const std::string& more) {
        return reply(200, R"([{"Name":"it2","Id":"0","Labels":{}},{"Name":"it","Id":"n1",)" + rest +
                              more + "}]");
    };
    const Value config = object_on_host({{"options", Value::map({{"mtu", "1"}})}});
    const Observation ours = look_at("docker.network", config,
                                     list(kOurs + R"(,"Options":{"mtu":"2","added":"by Docker"})"));
    REQUIRE(ours.state == Observation::State::present);
    CHECK(ours.foreign == "");
    CHECK(ours.attributes["subnet"] == Value("10.20.0.0/24"));
    CHECK(ours.attributes["options"] == Value::map({{"mtu", "2"}}));
    CHECK(ours.attributes["labels"] == Value::map({}));
    const Observation other = look_at("docker.network", config, list(R"("Labels":null)"));
    CHECK(contains(other.foreign, "docker network rm it"));
    CHECK(look_at("docker.network", object_on_host({{"name", "third"}}), list(R"("Labels":{})"))
              .state == Observation::State::absent);

    const auto overlap = [&](const std::string& more, const char* subnet) {
        const Observation all = look_at(
            "docker.network", object_on_host({{"name", "third"}, {"subnet", subnet}}), list(more));
        return all.error ? all.error->message : "";
    };
    CHECK(overlap(R"("Labels":{})", "10.20.0.128/25") ==
          "the addresses 10.20.0.128/25 are in use: the network \"it\" has 10.20.0.0/24");
    CHECK(overlap(R"("Labels":{})", "10.20.1.0/24") == "");
    // the plan may remove this one
    CHECK(overlap(R"("Labels":{"hadeploy.identity":"another"})", "10.20.0.128/25") == "");
}

TEST_CASE("objects of a swarm: a host that cannot list them does not make them absent") {
    const Value config = object_in_swarm({{"content", "x"}});
    const RecordedResource record = record_of(config);
    const std::string no_manager = reply(503, R"({"message":"This node is not a swarm manager."})");
    for (const char* type : {"docker.network", "docker.secret", "docker.config"}) {
        CAPTURE(type);
        const bool network = std::string_view(type) == "docker.network";
        const Value own = network ? object_in_swarm({}) : config;
        const std::string first = network ? reply(200, "[]") : no_manager;
        CHECK(look_at(type, own, first + no_manager).state == Observation::State::absent);
        const Observation blocked = look_at(type, own, first + no_manager, &record);
        CHECK(blocked.state == Observation::State::blocked);
        CHECK(blocked.error->hint == "list the managers first in `hosts`");
        CHECK(look_at(type, own,
                      reply(200, "[]") +
                          reply(500, R"({"message":"The swarm does not have a leader."})"))
                  .state == Observation::State::blocked);
        CHECK(look_at(type, own, reply(500, R"({"message":"out of memory"})")).state ==
              Observation::State::failed);
        // a malformed or incomplete response does not pass for the absence of the object
        for (const std::string& out :
             {std::string(), reply(200, "[]"), reply(200, "{}") + reply(200, "[]"),
              reply(200, "[7]") + reply(200, "[]"), reply(200, "[]") + reply(200, "null")})
            CHECK(look_at(type, own, out).state == Observation::State::failed);
        CHECK(look_at(type, own, "stopped\n", &record).state == Observation::State::blocked);
        CHECK(look_at(type, own, "stopped\n").state == Observation::State::absent);
        CHECK(look_at(type, own, reply(200, "[]") + reply(200, "[]")).state ==
              Observation::State::absent);
    }
}

TEST_CASE("docker.volume: what holds data") {
    const ssh::SshType& type = cluster_type("docker.volume");
    const auto loss = [&](const Value& options, const char* driver = "local") {
        const auto held = type.held_data(
            normal(type, object_on_host({{"driver", driver}, {"options", options}})));
        return held ? held->what : "";
    };
    const auto mount = [](const char* kind, const char* flags) {
        return Value::map({{"type", kind}, {"o", flags}, {"device", "x"}});
    };
    CHECK(loss(Value::map({})) == "the Docker volume it on 10.77.0.11 and all files in it");
    CHECK(loss(mount("ext4", "rw")) != "");
    CHECK(loss(mount("nfs4", "addr=10.0.0.1"), "rexray") != "");
    CHECK(loss(mount("nfs4", "addr=10.0.0.1")) == "");
    CHECK(loss(mount("tmpfs", "size=1m")) == "");
    CHECK(loss(mount("none", "rw,bind")) == "");
    CHECK(problems_in("docker.volume", object_on_host({{"name", "v"}})) ==
          "the name of a volume has at least two characters");
}

TEST_CASE("docker.volume: an imported volume has no label") {
    const std::string list =
        reply(200, R"({"Volumes":null,"Warnings":null})") +
        reply(200, R"({"Volumes":[{"Name":"it","Driver":"local","Labels":null,"Options":null}]})");
    CHECK(contains(look_at("docker.volume", object_on_host({}), list).foreign,
                   "docker volume rm it"));
    const ssh::SshType& type = cluster_type("docker.volume");
    ReadRequest request = request_for(type, normal(type, object_on_host({})));
    request.identity = "it";
    CHECK(type.parse(request, {0, list, ""}).foreign == "");
}

TEST_CASE("docker.secret, docker.config: the name follows the content") {
    for (const char* name : {"docker.secret", "docker.config"}) {
        const ssh::SshType& type = cluster_type(name);
        const auto full = [&](const char* base, const char* content) {
            return type.derive(object_in_swarm({{"name", base}, {"content", content}}))
                .text("full_name");
        };
        CHECK(full("it", "one").starts_with("it-"));
        CHECK(full("it", "one").size() == 15);
        CHECK(full("it", "one") == full("it", "one"));
        CHECK(full("it", "one") != full("it", "two"));
        CHECK(full("it", "one").substr(3) != full("at", "one").substr(3));
        CHECK(type.derive(object_in_swarm({{"content", Value::unknown()}}))["full_name"]
                  .is_unknown());
        CHECK(type.create_before_destroy);
        // both can exist at the same time
        const auto claim = [&](const char* content) {
            return type.claims(normal(type, object_in_swarm({{"content", content}}))).at(0);
        };
        CHECK(claim("one") != claim("two"));
        CHECK(problems_in(name, object_in_swarm({{"content", "x"}})) == "");
        CHECK(contains(problems_in(name, object_in_swarm({{"content", ""}})), "is empty"));
        CHECK(
            contains(problems_in(name, object_in_swarm({{"content", std::string(1'024'001, 'x')}})),
                     "has more than"));
        CHECK(contains(
            problems_in(name, object_in_swarm({{"name", std::string(52, 'x')}, {"content", "x"}})),
            "is too long"));
    }
}

TEST_CASE("docker.secret: the content is only in the body of the request") {
    const ssh::SshType& type = cluster_type("docker.secret");
    const Value config =
        normal(type, object_in_swarm({{"content", Value("correct horse").as_secret()}}));
    const ssh::Command create =
        type.commands(change_of(type, ChangeKind::create, {}, config)).at(0);
    check_syntax(create.script);
    const auto body = nlohmann::json::parse(create.input);
    CHECK(body["Data"] == base64_encode("correct horse"));
    CHECK(body["Name"] == config.text("full_name"));
    CHECK(body["Labels"]["hadeploy.identity"] == kIdentity);
    const ssh::Command update =
        type.commands(change_of(type, ChangeKind::update, config, config, {"labels"})).at(0);
    CHECK_FALSE(nlohmann::json::parse(update.input).contains("Data"));
    const ssh::Command remove =
        type.commands(change_of(type, ChangeKind::remove, config, {})).at(0);
    for (const ssh::Command& one : {create, update, remove}) {
        CHECK_FALSE(contains(one.script, "correct horse"));
        CHECK_FALSE(contains(one.script, base64_encode("correct horse")));
        CHECK_FALSE(contains(one.step, "correct horse"));
    }
    CHECK(find_attribute(type.schema, "content")->secret);
    CHECK_FALSE(find_attribute(cluster_type("docker.config").schema, "content")->secret);
}

namespace {
/// Runs the script of a change of the network `it` against that daemon. Returns the error, or "".
std::string change_network(ChangeKind kind,
                           std::map<std::string, std::vector<std::string>> answers) {
    const ssh::SshType& type = cluster_type("docker.network");
    const Value config = normal(type, object_on_host({}));
    const ssh::Command command =
        type.commands(kind == ChangeKind::create ? change_of(type, kind, {}, config)
                                                 : change_of(type, kind, config, {}))
            .at(0);
    const Daemon daemon(std::move(answers));
    std::string script = command.script;
    replace_all(script, "/run/docker.sock", daemon.path());
    replace_all(script, "my $began = time;", "my $began = 0; my $clock = 0;");
    replace_all(script, "time - $began", "++$clock - $began");
    replace_all(script, "sleep 1;", "");
    script.insert(script.find("action="), "docker_up() { :; }\n");
    TempDir dir;
    write_file(dir.path / "body", command.input);
    const ProcessResult result = run_process(
        {.argv = {"sh"},
         .input = fmt::format("set -eu\nexec <{}/body\n{}", dir.path.string(), script)});
    return result.status == 0 ? result.err : ssh::cause_in(result.err);
}
const std::string kNetwork = R"({"Name":"it","Id":"n1",)" + kOurs + "}";
} // namespace

TEST_CASE("objects: a create is repeated while the managers do not agree") {
    const std::string busy = "!rpc error: code = DeadlineExceeded";
    CHECK(change_network(ChangeKind::create,
                         {{"/networks", {"[]"}}, {"POST /networks/create", {"{}"}}}) == "");
    CHECK(change_network(ChangeKind::create,
                         {{"/networks", {"[]"}}, {"POST /networks/create", {busy, busy, "{}"}}}) ==
          "");
    // the change was made despite the error
    CHECK(change_network(ChangeKind::create, {{"/networks", {"[]", "[]", "[" + kNetwork + "]"}},
                                              {"POST /networks/create", {busy, "!exists"}}}) == "");
    CHECK(change_network(ChangeKind::create,
                         {{"/networks", {"[]"}}, {"POST /networks/create", {busy}}}) ==
          "rpc error: code = DeadlineExceeded");
    CHECK(change_network(ChangeKind::create, {{"/networks", {"[]"}},
                                              {"POST /networks/create", {"!out of addresses"}}}) ==
          "out of addresses");
    // an earlier run has made it
    CHECK(change_network(ChangeKind::create, {{"/networks", {"[" + kNetwork + "]"}}}) == "");
    CHECK(change_network(ChangeKind::create, {{"/networks", {R"([{"Name":"it","Id":"n2"}])"}}}) ==
          "there is a network it that this resource did not create");
    CHECK(change_network(ChangeKind::create,
                         {{"/networks", {"!This node is not a swarm manager."}}}) ==
          "the host is not a swarm manager; list the managers first in `hosts`");
}

TEST_CASE("objects: a removal waits while something uses the object") {
    const std::string there = "[" + kNetwork + "]";
    const std::string used = "!network it has active endpoints";
    CHECK(change_network(ChangeKind::remove, {{"/networks", {"[]"}}}) == "");
    CHECK(change_network(ChangeKind::remove, {{"/networks", {there, there, "[]"}},
                                              {"DELETE /networks/n1", {"{}"}}}) == "");
    CHECK(change_network(ChangeKind::remove, {{"/networks", {there, there, there, there, "[]"}},
                                              {"DELETE /networks/n1", {used, used, "{}"}}}) == "");
    CHECK(change_network(ChangeKind::remove,
                         {{"/networks", {there}}, {"DELETE /networks/n1", {used}}}) ==
          "something is still attached to the network it: network it has active endpoints");
    CHECK(change_network(ChangeKind::remove, {{"/networks", {"!out of memory"}}}) ==
          "out of memory");
    // one that somebody else has created in the meantime stays
    CHECK(change_network(ChangeKind::remove,
                         {{"/networks", {R"([{"Name":"it","Id":"n2","Labels":{}}])"}},
                          {"DELETE /networks/n2", {"!must not be sent"}}}) == "");
}

TEST_CASE("docker.container: published ports and volumes") {
    const auto port = [](const char* text) {
        const auto parsed = ssh::docker::parse_published(text);
        return parsed ? fmt::format("{}|{}|{}|{}", parsed->address, parsed->port, parsed->container,
                                    parsed->claimed())
                      : "none";
    };
    CHECK(port("80") == "||80/tcp|");
    CHECK(port("8080:80") == "|8080|80/tcp|8080");
    CHECK(port("53:53/udp") == "|53|53/udp|53/udp");
    CHECK(port("127.0.0.1:8080:80") == "127.0.0.1|8080|80/tcp|");
    CHECK(port("0.0.0.0:8080:80") == "0.0.0.0|8080|80/tcp|8080");
    for (const char* bad :
         {"", "x", "80-90", "0:80", "8080:", ":80", "70000:80", "80/icmp", "a:1:2"})
        CHECK_MESSAGE(port(bad) == "none", bad);
    for (const char* good : {"data:/data", "/srv/x:/x:ro", "/a:/b"})
        CHECK_MESSAGE(ssh::docker::is_container_mount(good), good);
    for (const char* bad : {"", "/data", "data:", "data:x", "./x:/x", "~/x:/x", "a/b:/x", "data:/",
                            ":/x", "data:/x:"})
        CHECK_FALSE_MESSAGE(ssh::docker::is_container_mount(bad), bad);
}

TEST_CASE("docker.container: problems of the spec") {
    const auto box = [](std::string_view key, const Value& value) {
        return problems_in("docker.container", object_on_host({{"image", "web:1"}, {key, value}}));
    };
    const auto list = [](std::initializer_list<const char*> texts) {
        return Value::list(Value::List(texts.begin(), texts.end()));
    };
    CHECK(box("ports", list({"80:80"})) == "");
    CHECK(box("ports", list({"80:http"})) == "\"80:http\" is not a published port");
    CHECK(box("volumes", list({"./data:/data"})) == "\"./data:/data\" is not a volume");
    CHECK(box("networks", list({"host", "front"})) ==
          "the network \"host\" cannot be combined with others");
    CHECK(box("env", Value::map({{"A=B", "c"}})) == "\"A=B\" is not a name of a variable");
    CHECK(box("cpus", Value(0.001)) == "`cpus` is at least 0.01");
    CHECK(box("health_check", Value::map({})) ==
          "a health check needs either `command` or `shell`");
    CHECK(problems_in("docker.container", object_on_host({{"image", "web:1"},
                                                          {"networks", list({"host"})},
                                                          {"ports", list({"80:80"})}})) ==
          "Docker ignores `ports` in the network \"host\"");
}

TEST_CASE("docker.container: the request, its digest and the claims") {
    const ssh::SshType& type = cluster_type("docker.container");
    const auto list = [](std::initializer_list<const char*> texts) {
        return Value::list(Value::List(texts.begin(), texts.end()));
    };
    const Value config = normal(
        type, object_on_host({{"image", "web:1"},
                              {"command", list({"serve"})},
                              {"env", Value::map({{"KEY", Value("hidden-word").as_secret()}})},
                              {"ports", list({"8080:80", "8081:80", "53:53/udp"})},
                              {"volumes", list({"data:/data:ro"})},
                              {"networks", list({"front", "back"})},
                              {"memory", 64 * 1024 * 1024},
                              {"cpus", 0.5},
                              {"health_check", Value::map({{"shell", "test -e /ready"}})}}));
    CHECK(type.claims(config) == std::vector<std::string>{"the container it on 10.77.0.11:22",
                                                          "10.77.0.11:22 published port 8080",
                                                          "10.77.0.11:22 published port 8081",
                                                          "10.77.0.11:22 published port 53/udp"});
    const ssh::Command up = type.commands(change_of(type, ChangeKind::create, {}, config)).at(0);
    check_syntax(up.script);
    CHECK_FALSE(contains(up.script, "hidden-word"));
    const auto body = nlohmann::json::parse(up.input);
    CHECK(body["Env"] == nlohmann::json{"KEY=hidden-word"});
    CHECK(body["Cmd"] == nlohmann::json{"serve"});
    CHECK(body["Labels"]["hadeploy.sha256"] == config.text("sha256"));
    CHECK(body["HostConfig"]["PortBindings"].dump() ==
          R"({"53/udp":[{"HostIp":"","HostPort":"53"}],)"
          R"("80/tcp":[{"HostIp":"","HostPort":"8080"},{"HostIp":"","HostPort":"8081"}]})");
    CHECK(body["HostConfig"]["NetworkMode"] == "front");
    CHECK(body["HostConfig"]["NanoCpus"] == 500'000'000);
    CHECK(body["Healthcheck"]["Test"] == nlohmann::json{"CMD-SHELL", "test -e /ready"});
    CHECK(body["Healthcheck"]["Interval"] == 10'000'000'000);
    // Settings that count, and those that do not. The digest must not change with a new version.
    const auto digest = [&](const Value& other) { return normal(type, other).text("sha256"); };
    const Value plain = object_on_host({{"image", "web:1"}});
    CHECK(digest(plain) ==
          sha256_hex(R"({"image":"web:1","restart":"unless-stopped","stop_timeout":10000})"));
    CHECK(digest(plain) == digest(plain.with("wait", "5s").with("name", "that")));
    CHECK(digest(plain) != digest(plain.with("image", "web:2")));
    for (const ChangeKind kind : {ChangeKind::update, ChangeKind::remove})
        check_syntax(type.commands(change_of(type, kind, config, config, {"running"})));
}

TEST_CASE("docker.container: the existing containers") {
    const Value config = object_on_host({{"image", "web:1"}});
    const auto box = [&](const char* name, const char* state, const std::string& more) {
        return fmt::format(R"({{"Id":"{0}","Names":["/{0}"],"State":"{1}","Status":"{2}",)"
                           R"("Labels":{{"hadeploy.identity":"{3}","hadeploy.sha256":"abc"}}}})",
                           name, state, more, kIdentity);
    };
    const auto look = [&](const std::string& list, const Value& of) {
        const Observation found =
            look_at("docker.container", of, reply(200, "[" + list + "]") + reply(200, "[]"));
        REQUIRE(found.state == Observation::State::present);
        return fmt::format("{} {}", found.attributes.text("sha256"),
                           found.attributes.flag("running"));
    };
    CHECK(look(box("it", "running", "Up 3 hours"), config) == "abc true");
    CHECK(look(box("it", "exited", "Exited (0) 3 hours ago"), config) == "abc false");
    CHECK(look(box("it", "exited", "Exited (0) 3 hours ago"), config.with("restart", "no")) ==
          "abc true");
    CHECK(look(box("it", "exited", "Exited (1) 3 hours ago"), config.with("restart", "no")) ==
          "abc false");
    // a digest that is known shows the settings
    const ssh::SshType& type = cluster_type("docker.container");
    RecordedResource recorded = record_of(config.with("image", "web:0").with("sha256", "abc"));
    const Observation before =
        look_at("docker.container", config,
                reply(200, "[" + box("it", "running", "Up") + "]") + reply(200, "[]"), &recorded);
    CHECK(before.attributes["image"] == Value("web:0"));
    CHECK(normal(type, config).text("sha256") != "abc");
    // a change was killed
    CHECK(look(box("it.hadeploy-old", "exited", "Exited (0)"), config) == "(interrupted) false");
    CHECK(look(box("it", "running", "Up") + "," + box("it.hadeploy-old", "exited", "Exited (0)"),
               config) == "(interrupted) true");
}
