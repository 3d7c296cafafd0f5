#include "cluster_fixture.h"

#include "core/file.h"
#include "planner/plan/decide.h"
#include "planner/plan/plan.h"
#include "providers/ssh/gluster_script.h"
#include "providers/ssh/place.h"
#include "server.h"

using namespace hadeploy;
using namespace hadeploy::test;
using State = Observation::State;

namespace {

Value volume_config(const Value& more = Value::map({})) {
    Value config = Value::map({{"hosts", three_hosts()}, {"name", "vol0"}, {"brick", "/b/vol0"}});
    for (const Entry& e : more.as_map()) config = config.with(e.key, e.value);
    return normal(cluster_type("gluster.volume"), config);
}

std::string status_of(int running) {
    std::string xml = "== status\n<cliOutput>\n  <opRet>0</opRet>\n";
    for (int i = 1; i <= 3; ++i) {
        const std::string host = "node" + std::to_string(i), up = i <= running ? "1" : "0";
        xml += "<node>\n<hostname>" + host + "</hostname>\n<path>/b/vol0</path>\n<status>" + up +
               "</status>\n</node>\n<node>\n<hostname>Self-heal Daemon</hostname>\n<path>" + host +
               "</path>\n<status>1</status>\n</node>\n";
    }
    return xml + "</cliOutput>\n";
}

const std::string kInfo =
    "== info\n"
    "type=2\ncount=3\nstatus=1\nreplica_count=3\n"
    "volume-id=fb545740-168d-4fa6-8ea6-55aeb758b04c\n"
    "performance.write-behind=off\nperformance.io-cache=off\n"
    "network.ping-timeout=20\n"
    "auth.allow=10.77.0.11,10.77.0.12,10.77.0.13,127.0.0.1,node1,node2,node3\n"
    "user.hadeploy.identity=" +
    std::string(kIdentity) +
    "\nbrick-0=node1:-b-vol0\nbrick-1=node2:-b-vol0\nbrick-2=node3:-b-vol0\n";

Value mount_config(const Value& more = Value::map({})) {
    Value config =
        Value::map({{"host", connection("10.77.0.11")},
                    {"volume", "vol0"},
                    {"path", "/mnt/vol-0"},
                    {"directories",
                     Value::map({{"app", Value::map({{"owner", "10000"}, {"mode", "0750"}})}})}});
    for (const Entry& e : more.as_map()) config = config.with(e.key, e.value);
    return normal(cluster_type("gluster.mount"), config);
}

} // namespace

TEST_CASE("gluster.volume: its data and the number of copies") {
    const ResourceType& type = cluster_type("gluster.volume");
    CHECK(type.held_data(volume_config())->what ==
          "the Gluster volume vol0 and all files in it, in /b/vol0 on each host");
    CHECK(type.copies(volume_config()) == 3);
    CHECK(type.copies(volume_config(Value::map({{"replica", 1}}))) == 1);
    CHECK_FALSE(cluster_type("gluster.mount").held_data(mount_config()));
}

TEST_CASE("gluster: sections of a probe's output") {
    using ssh::gluster::section;
    const std::string out = "== a\n1\n2\n== b\n== c\n3\n";
    CHECK(section(out, "a") == "1\n2\n");
    CHECK(section(out, "b").empty());
    CHECK(section(out, "c") == "3\n");
    CHECK(section(out, "d").empty());
}

TEST_CASE("gluster: a change is retried on a concurrent one, not on other failures") {
    const auto run = [](const std::string& says, int times) {
        const TempDir dir;
        const std::string count = (dir.path / "count").string();
        const std::string script = ssh::gluster::functions() +
                                   "set -eu\n"
                                   "sleep() { :; }\n"
                                   "looks=0\n"
                                   "late() { looks=$((looks + 2)); [ $looks -gt $2 ]; }\n"
                                   "gluster() { echo x >>" +
                                   count + "; [ $(wc -l <" + count + ") -gt " +
                                   std::to_string(times) + " ] || { echo '" + says +
                                   "'; return 1; }; echo done; }\n"
                                   "gl volume start v\n";
        const ProcessResult r = run_process({.argv = {"sh", "-c", script}});
        return std::to_string(r.status) + " " + r.out + r.err;
    };
    const std::string busy =
        "Another transaction is in progress. Please try again after some time.";
    CHECK(run(busy, 3) == "0 done\n");
    CHECK(run(busy, 100) == "1 " + busy + "\n");
    CHECK(run("volume start: v: failed: no", 1) == "1 volume start: v: failed: no\n");
}

TEST_CASE("gluster.cluster: peers, bricks and heals that are available") {
    const auto& type = cluster_type("gluster.cluster");
    const Value config = normal(
        type, Value::map({{"hosts", three_hosts()}, {"volumes", Value::list({Value("vol0")})}}));
    check_syntax(type.probe(request_for(type, config)));
    CHECK(contains(type.probe(request_for(type, config)), "volumes='vol0'\n"));
    const auto see = [&](const std::string& out) {
        return type.parse(request_for(type, config), {0, out, ""});
    };
    const std::string peers = "== own\nnode1\n== peers\nUUID\t\t\tHostname \tState\n"
                              "5e1f\tnode2    \tDisconnected \n77aa\tlocalhost\tConnected \n";
    const Observation some = see(peers);
    CHECK(some.attributes["peers"] ==
          Value::list({Value::map({{"name", "node2"}, {"connected", false}}),
                       Value::map({{"name", "node1"}, {"connected", true}})}));
    CHECK(some.attributes["bricks"] == Value::list({}));
    const Observation all = see(
        peers + "== status vol0\n<opRet>0</opRet><node><hostname>node1</hostname><path>/b</path>"
                "<status>1</status></node><node><hostname>Self-heal Daemon</hostname>"
                "<path>77aa</path><status>1</status></node>\n"
                "== heal vol0\nGathering count\n\nBrick node1:/b\nNumber of entries: 3\n\n"
                "Brick node2:/b\nStatus: Transport endpoint is not connected\n"
                "Number of entries: -\n");
    CHECK(all.attributes["bricks"] ==
          Value::list({Value::map({{"volume", "vol0"}, {"brick", "node1:/b"}, {"online", true}})}));
    CHECK(all.attributes["heals"] ==
          Value::list({Value::map({{"volume", "vol0"}, {"brick", "node1:/b"}, {"entries", 3}})}));
    CHECK(see("== stopped\n").state == Observation::State::failed);
    CHECK(all.attributes["unread"] == Value::list({}));
    // Unavailable data does not count as stopped.
    CHECK(some.attributes["unread"] ==
          Value::list({Value::map(
              {{"volume", "vol0"}, {"bricks", false}, {"heals", false}, {"split_brains", true}})}));
}

TEST_CASE("gluster.cluster: entries in split-brain, if they are asked for") {
    const auto& type = cluster_type("gluster.cluster");
    const Value config = normal(type, Value::map({{"hosts", three_hosts()},
                                                  {"volumes", Value::list({Value("vol0")})},
                                                  {"split_brain", true}}));
    CHECK(contains(type.probe(request_for(type, config)), "split_brain=yes\n"));
    const auto see = [&](const std::string& out) {
        return type.parse(request_for(type, config), {0, out, ""});
    };
    const std::string well = "== own\nnode1\n== status vol0\n<opRet>0</opRet>\n"
                             "== heal vol0\nBrick node1:/b\nNumber of entries: 5\n";
    const Observation seen =
        see(well + "== split-brain vol0\nBrick node1:/b\n/entities.db\nStatus: Connected\n"
                   "Number of entries in split-brain: 1\n\nBrick node2:/b\n"
                   "Status: Transport endpoint is not connected\n"
                   "Number of entries in split-brain: -\n");
    CHECK(seen.attributes["split_brains"] ==
          Value::list({Value::map({{"volume", "vol0"}, {"brick", "node1:/b"}, {"entries", 1}})}));
    CHECK(seen.attributes["heals"].as_list().size() == 1);
    CHECK(seen.attributes["unread"] == Value::list({}));
    const Observation silent = see(well + "== split-brain vol0\n");
    CHECK_FALSE(silent.attributes["unread"].as_list().at(0).flag("split_brains", true));
}

TEST_CASE("gluster.volume: parsing the probe") {
    const auto& type = cluster_type("gluster.volume");
    const Value config = volume_config(Value::map(
        {{"group", "db-workload"}, {"options", Value::map({{"network.ping-timeout", "20"}})}}));
    check_syntax(type.probe(request_for(type, config)));
    const auto see = [&](const std::string& out, const RecordedResource* recorded = nullptr) {
        return type.parse(request_for(type, config, recorded), {0, out, ""});
    };
    const std::string group = "== group\nperformance.write-behind=off\nperformance.io-cache=off\n";
    const RecordedResource known = record_of(config);
    const auto action = [&](const std::string& out) {
        return decide(type, config, &known, {}, see(out, &known)).action;
    };
    CHECK(config["bricks"] == Value::list({"node1:/b/vol0", "node2:/b/vol0", "node3:/b/vol0"}));
    CHECK(see("== missing\n").state == State::absent);
    CHECK(see("").state == State::absent);

    const Observation there = see(kInfo + group + status_of(3));
    CHECK(there.foreign.empty());
    CHECK(there.attributes["bricks"] == config["bricks"]);
    CHECK(there.attributes["options"] == config["options"]);
    CHECK(there.attributes.flag("online"));
    CHECK_FALSE(action(kInfo + group + status_of(3)).has_value());
    std::string grown = kInfo; // node1 came last
    grown.replace(grown.find("brick-0"), std::string::npos,
                  "brick-0=node2:-b-vol0\nbrick-1=node3:-b-vol0\nbrick-2=node1:-b-vol0\n");
    CHECK_FALSE(action(grown + group + status_of(3)).has_value());
    CHECK_FALSE(action(kInfo).has_value()); // glusterd is down: the rest cannot be seen
    CHECK(action(kInfo + group + "== refused\n<opRet>-1</opRet>\n") == Action::update);

    // a new machine under the old name does not know the volume until the pool is repaired
    CHECK(see("== alone\n", &known).state == State::blocked);
    CHECK(see("== alone\n").state == State::absent);
    CHECK(see("", &known).state == State::absent);
    CHECK(see("== unanswered\n", &known).state == State::blocked);
    CHECK(see("== elsewhere\n", &known).state == State::blocked);
    const auto heals = [](const char* third) {
        return "== heals\nBrick node1:/b/vol0\nNumber of entries: 0\nBrick node2:/b/vol0\n"
               "Number of entries: 0\nBrick node3:/b/vol0\nNumber of entries: " +
               std::string(third) + "\n";
    };
    CHECK_FALSE(action(kInfo + group + status_of(3) + heals("0")).has_value());
    CHECK_FALSE(action(kInfo + group + status_of(3) + heals("-")).has_value()); // not known
    CHECK(decide(type, config, &known, {}, see(kInfo + group + status_of(3) + heals("2"))).verb ==
          "heal");

    const Decision killed = decide(type, config, &known, {}, see(kInfo + group + status_of(2)));
    CHECK(killed.action == Action::update);
    CHECK(killed.verb == "restart");
    CHECK(action(kInfo + "== group\nperformance.io-cache=on\n") == Action::update);
    std::string other = kInfo;
    other.replace(other.find("timeout=20"), 10, "timeout=42");
    CHECK(action(other) == Action::update);
    other = kInfo;
    other.replace(other.find("status=1"), 8, "status=2");
    CHECK(decide(type, config, &known, {}, see(other)).verb == "start");

    std::string foreign = kInfo;
    foreign.replace(foreign.find(kIdentity), 4, "9999");
    CHECK(contains(see(foreign).foreign, "was not created by this resource"));
    // created, but not marked yet: the marker file on the host identifies it
    std::string half = kInfo;
    half.erase(half.find("user.hadeploy"), half.find("brick-0") - half.find("user.hadeploy"));
    CHECK_FALSE(see(half).foreign.empty());
    CHECK(see(half + "== marker\n" + kIdentity + "\n/gluster\n").foreign.empty());
    // a killed removal: bricks may be missing, so that a start is not enough
    const std::string removing = "user.hadeploy.removing=yes\n" + kInfo.substr(8);
    CHECK(action("== info\n" + removing) == Action::replace);
}

TEST_CASE("gluster.volume: changes") {
    const auto& type = cluster_type("gluster.volume");
    const Value config = volume_config();
    const auto create = type.commands(change_of(type, Change::Kind::create, {}, config));
    REQUIRE(create.size() == 4);
    for (int i = 0; i < 3; ++i) {
        REQUIRE(create[i].on.size() == 1);
        CHECK_FALSE(create[i].none_is_empty);
    }
    CHECK(contains(create[3].script, "create='replica 3 '\\''node1:/b/vol0'\\'' "));
    CHECK(contains(create[3].script, "'\\''network.ping-timeout'\\'' '\\''20'\\''"));
    check_syntax(create);

    const Value before =
        config.with("options", Value::map({{"network.ping-timeout", "42"}, {"old.option", "1"}}))
            .with("started", true);
    const auto update = type.commands(change_of(
        type, Change::Kind::update, before,
        config.with("options", Value::map({{"network.ping-timeout", "20"}})), {"options"}));
    REQUIRE(update.size() == 1);
    CHECK(contains(update[0].script, "unset=' old.option'\n"));
    CHECK(contains(update[0].script, "settings=' '\\''network.ping-timeout'\\'' '\\''20'\\'''\n"));
    CHECK(contains(update[0].script, "add=''\n"));
    check_syntax(update);

    Value six = three_hosts();
    for (const char* name : {"node4", "node5", "node6"})
        six = six.with(name, connection("10.77.0.14"));
    const Value grown = volume_config(Value::map({{"hosts", six}}));
    const auto add =
        type.commands(change_of(type, Change::Kind::update, config, grown, {"bricks"}));
    REQUIRE(add.size() == 5);
    CHECK(contains(add[3].script, "node6:/b/vol0"));
    CHECK_FALSE(contains(add[3].script, "add='replica"));
    CHECK(contains(add[3].script, "rebalance='1'\n"));
    CHECK_THROWS_AS(type.commands(change_of(type, Change::Kind::update, grown, config, {"bricks"})),
                    Error);
    // five hosts carry one set of three
    CHECK(volume_config(Value::map({{"hosts", six.without("node6")}}))["bricks"] ==
          config["bricks"]);

    const auto remove = type.commands(change_of(type, Change::Kind::remove, config, {}));
    REQUIRE(remove.size() == 5);
    CHECK(remove[0].on.empty());
    for (int i = 1; i < 4; ++i) CHECK(remove[i].on.size() == 1);
    CHECK(remove[4].on.empty());
    check_syntax(remove);

    CHECK(complaints(type, config.with("replica", 2)).size() == 1);
    CHECK(complaints(type, config.with("replica", 5)).size() == 1);
    CHECK(complaints(type, config.with("options", Value::map({{"a;b", "1"}}))).size() == 1);
    CHECK(complaints(type, config).empty());
}

TEST_CASE("gluster.volume: copies are added and removed while it is in use") {
    const auto& type = cluster_type("gluster.volume");
    const Value three = volume_config();
    Value hosts = three_hosts();
    for (const char* name : {"node4", "node5", "node6"})
        hosts = hosts.with(name, connection("10.77.0.14"));
    const Value six = volume_config(Value::map({{"hosts", hosts}}));
    hosts = hosts.without("node6");
    const Value five = volume_config(Value::map({{"hosts", hosts}, {"replica", 5}}));
    const auto change = [&](const Value& before, const Value& after) {
        return type.commands(
            change_of(type, Change::Kind::update, before, after, {"bricks", "replica"}));
    };
    const auto more = change(three, five);
    REQUIRE(more.size() == 4); // two bricks, add, wait
    CHECK(contains(more[2].script, "add='replica 5 "));
    CHECK(contains(more[2].script, "node5:/b/vol0"));
    CHECK(contains(more[2].script, "rebalance=''\n"));
    CHECK(more[3].script.ends_with("wait_healed\n"));
    check_syntax(more);

    const auto fewer = change(five, three);
    REQUIRE(fewer.size() == 5); // take out, remove two bricks, update, wait
    CHECK(contains(fewer[0].script,
                   "leaving='2'\nkeep='node1:/b/vol0\nnode2:/b/vol0\nnode3:/b/vol0'\n"
                   "replica='3'\ncount='5'\n"));
    for (const int at : {1, 2}) {
        CHECK(fewer[at].may_be_gone);
        CHECK(contains(fewer[at].script,
                       at == 1 ? "listed='node4:-b-vol0'" : "listed='node5:-b-vol0'"));
    }
    check_syntax(fewer);

    Value others = Value::map({});
    for (const char* name : {"node7", "node8", "node9"})
        others = others.with(name, connection("10.77.0.17"));
    CHECK_THROWS_WITH_AS(change(three, volume_config(Value::map({{"hosts", others}}))),
                         "no brick of the volume would stay: the new bricks could not get the "
                         "files",
                         Error);
    CHECK_THROWS_AS(change(six, five), Error); // two sets to one
    const auto warned = [&](int replica) {
        Diagnostics warnings;
        type.warnings.front().find(three.with("replica", replica), warnings);
        return warnings.list().size();
    };
    CHECK(warned(4) == 1);
    CHECK(warned(3) + warned(5) + warned(1) == 0);
    const auto repair =
        type.commands(change_of(type, Change::Kind::update, three, three, {"online"}));
    REQUIRE(repair.size() == 8); // all bricks are looked at before one is given back
    CHECK(contains(repair[2].script, "printf 'lost %s\\n'"));
    CHECK(contains(repair[3].script, "trusted.glusterfs.volume-id"));
    CHECK(contains(repair[3].script, "listed='node1:-b-vol0'\n"));
    CHECK(contains(repair[3].script, "bricks='node1:/b/vol0\nnode2:/b/vol0\nnode3:/b/vol0'\n"));
}

TEST_CASE("gluster.volume: a foreign brick is left alone, ours is removed without a trace") {
    const auto& type = cluster_type("gluster.volume");
    const TempDir dir;
    const std::string brick = (dir.path / "gluster/brick1/vol0").string();
    const Value config = volume_config(Value::map({{"brick", brick}}));
    const auto run = [&](std::string script) {
        const std::string marker = (dir.path / "lib/marker").string();
        const std::string was = "marker='/var/lib/hadeploy/gluster.volume.vol0'";
        const std::size_t at = script.find(was);
        REQUIRE(at != std::string::npos);
        script.replace(at, was.size(), "marker='" + marker + "'");
        return run_process(
            {.argv = {"sh", "-c", std::string(ssh::place_functions()) + "set -eu\n" + script}});
    };
    const auto create = type.commands(change_of(type, Change::Kind::create, {}, config));
    const auto remove = type.commands(change_of(type, Change::Kind::remove, config, {}));

    std::filesystem::create_directories(brick + "/.glusterfs");
    const ProcessResult refused = run(create[0].script);
    CHECK(refused.status == 1);
    std::string host = read_file("/proc/sys/kernel/hostname");
    host.pop_back();
    CHECK(refused.err ==
          host + ":" + brick +
              " is the brick of a volume that hadeploy did not create; move it away, or choose a "
              "different path\n");
    run(remove[1].script);
    CHECK(std::filesystem::exists(brick));

    std::filesystem::remove_all(dir.path / "gluster");
    CHECK(run(create[0].script).status == 0);
    CHECK(std::filesystem::exists(dir.path / "gluster/brick1"));
    std::filesystem::create_directories(brick + "/.glusterfs"); // as gluster does
    CHECK(run(create[0].script).status == 0);                   // ours: it can run again
    CHECK(run(remove[1].script).status == 0);
    CHECK_FALSE(std::filesystem::exists(dir.path / "gluster"));
    CHECK_FALSE(std::filesystem::exists(dir.path / "lib"));
}

TEST_CASE("gluster.mount: parsing the probe") {
    const auto& type = cluster_type("gluster.mount");
    const Value config = mount_config();
    check_syntax(type.probe(request_for(type, config)));
    const auto create = type.commands(change_of(type, Change::Kind::create, {}, config));
    REQUIRE(create.size() == 1);
    check_syntax(create);
    const std::string unit = create[0].input;
    CHECK(contains(create[0].script, "unit='hadeploy-gluster-mnt-vol\\x2d0.service'\n"));
    CHECK(contains(unit, "Restart=always\n"));
    CHECK(contains(unit, "StartLimitIntervalSec=0\n"));
    CHECK(contains(unit, "\"--volfile-server=localhost\" \"--volfile-id=/vol0\" \"/mnt/vol-0\"\n"));
    CHECK(contains(create[0].script, "hadeploy_directory '/mnt/vol-0/app' '10000:root' 0750\n"));

    const auto see = [&](const std::string& out, const RecordedResource* recorded = nullptr) {
        return type.parse(request_for(type, config, recorded), {0, out, ""});
    };
    const std::string mount = "== mount\nlocalhost:/vol0 fuse.glusterfs\n== process\n";
    const std::string all = "== unit\n" + unit + "== enabled\n" + mount +
                            "== directories\n750 10000:UNKNOWN 0:root /mnt/vol-0/app\n";
    CHECK(see("").state == State::absent);
    const Observation there = see(all);
    CHECK(there.foreign.empty());
    const RecordedResource known =
        record_of(config.with("unit_sha256", there.attributes["unit_sha256"]));
    const auto decided = [&](const std::string& out) {
        return decide(type, config, &known, {}, see(out, &known));
    };
    CHECK_FALSE(decided(all).action.has_value());
    CHECK(decided("== unit\n" + unit + "== enabled\n").verb == "mount");
    CHECK(decided("== unit\n" + unit + mount).verb == "enable");
    CHECK(decided("== unit\n" + unit + "#\n== enabled\n" + mount).action == Action::update);
    CHECK(decided("== unit\n" + unit + "== enabled\n" + mount +
                  "== directories\n755 10000:UNKNOWN 0:root /mnt/vol-0/app\n")
              .action == Action::update);
    const std::string asked = "== unit\n" + unit + "== enabled\n" + mount +
                              "== directories\nstat: cannot statx '/mnt/vol-0/app': ";
    CHECK(decided(asked + "No such file or directory\n").action == Action::update);
    CHECK_FALSE(decided(asked + "Transport endpoint is not connected\n").action.has_value());
    CHECK_FALSE(decided("== unit\n" + unit + "== enabled\n" + mount + "== directories\n")
                    .action.has_value()); // it did not answer in time
    CHECK(contains(see("== mount\n/dev/sdb ext4\n").foreign, "something else is mounted"));
    CHECK(contains(see("== unit\n[Service]\n").foreign, "was not created by this resource"));
}

TEST_CASE("gluster.mount: directories are created once all bricks are connected") {
    const auto& type = cluster_type("gluster.mount");
    const std::string script =
        type.commands(change_of(type, Change::Kind::create, {}, mount_config()))[0].script;
    const auto mounted = script.find("until is_mounted");
    const auto seen = script.find("/.meta/graphs/active/*-client-*/private");
    const auto made = script.rfind("hadeploy_directory '/mnt/vol-0/");
    INFO(script);
    REQUIRE(made != script.npos);
    CHECK(mounted < seen);
    CHECK(seen < made);
}

TEST_CASE("gluster.mount: a path with a space is found among the mounts") {
    const auto& type = cluster_type("gluster.mount");
    const Value config = mount_config(Value::map({{"path", "/mnt/my vol"}}));
    const std::string there = "path='/mnt/my vol'\nin_mounts='/mnt/my\\040vol'\n";
    CHECK(contains(type.probe(request_for(type, config)), there));
    CHECK(contains(type.commands(change_of(type, Change::Kind::create, {}, config))[0].script,
                   there));
}

TEST_CASE("gluster.mount: paths outside the volume are rejected") {
    const auto& type = cluster_type("gluster.mount");
    const auto bad = [&](const std::string& directory) {
        const Value config =
            Value::map({{"directories", Value::map({{directory, Value::map({})}})}});
        return complaints(type, config).size() == 1;
    };
    CHECK_FALSE(bad("app"));
    CHECK_FALSE(bad("a/b.c"));
    for (const char* name : {"../x", "/x", "a/../b", "a//b", "", "a b", "$(x)", "."})
        CHECK(bad(name));
    CHECK(complaints(type, Value::map({{"options", Value::map({{"-x", "1"}})}})).size() == 1);
    CHECK(complaints(type, Value::map({{"options", Value::map({{"x", "1\nExecStartPre=/x"}})}}))
              .size() == 1);
    CHECK(complaints(type, Value::map({{"server", "a b"}})).size() == 1);
    check_syntax(type.commands(change_of(type, Change::Kind::remove, mount_config(), {})));
}

TEST_CASE("gluster: only its hosts may mount a volume, and no secret is on a command line") {
    const auto& volume = cluster_type("gluster.volume");
    Value config = volume_config(Value::map({}));
    const auto clients = [&] {
        std::string all;
        const Value derived = volume.derive(config);
        for (const Value& c : derived["clients"].as_list()) all += c.as_string() + " ";
        return all;
    };
    CHECK(clients() == "10.77.0.11 10.77.0.12 10.77.0.13 127.0.0.1 node1 node2 node3 ");
    config = config.with("clients", volume.derive(config)["clients"]);
    const auto create = volume.commands(change_of(volume, Change::Kind::create, {}, config));
    CHECK(contains(create.back().script, "auth.allow '\\''10.77.0.11,10.77.0.12,"));
    const Value open = config.with("clients", Value::list({"*"}));
    const auto update =
        volume.commands(change_of(volume, Change::Kind::update, open, config, {"clients"}));
    CHECK(contains(update.back().script, "auth.allow '\\''10.77.0.11,10.77.0.12,"));
    config = config.with("options", Value::map({{"auth.allow", "10.0.0.*,x"}}));
    CHECK(clients() == "10.0.0.* x ");

    const Value secret = Value::map({{"auth.reject", Value("canary").as_secret()}});
    CHECK(complaints(volume, config.with("options", secret)).size() == 1);
    CHECK_THROWS_AS(volume.commands(change_of(volume, Change::Kind::create, {},
                                              config.with("options", secret))),
                    Error);
    const auto& mount = cluster_type("gluster.mount");
    CHECK(complaints(mount,
                     mount_config().with(
                         "options", Value::map({{"xlator-option", Value("canary").as_secret()}})))
              .size() == 1);
}
