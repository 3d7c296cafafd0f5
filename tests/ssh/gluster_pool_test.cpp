#include "cluster_fixture.h"
#include "pretence.h"

#include "planner/plan/decide.h"
#include "planner/plan/plan.h"

using namespace hadeploy;
using namespace hadeploy::test;
using State = Observation::State;

TEST_CASE("gluster.pool: members by name or address") {
    const auto& type = cluster_type("gluster.pool");
    const Value config = normal(type, Value::map({{"hosts", three_hosts()}}));
    check_syntax(type.probe(request_for(type, config)));
    const auto see = [&](const std::string& out, const RecordedResource* recorded = nullptr) {
        return type.parse(request_for(type, config, recorded), {0, out, ""});
    };
    const auto peer = [](const std::string& name, int state = 3) {
        return "== peer\nuuid=x\nstate=" + std::to_string(state) + "\nhostname1=" + name + "\n";
    };
    const std::string own = "== own\n127.0.0.1\n10.77.0.11\n172.17.0.1\nnode1\n";
    const RecordedResource known = record_of(config);
    const auto list = [](const char* third) {
        return "== list\nUUID\tHostname\tState\n1\tlocalhost\tConnected \n2\tnode2\tConnected \n"
               "3\tnode3\t" +
               std::string(third) + " \n";
    };

    CHECK(see("== missing\n").state == State::absent);
    CHECK(see(own).state == State::absent);
    // a new machine under the old name does not know the pool, which still exists
    const Observation lonely = see(own, &known);
    CHECK(lonely.attributes["members"] == Value::list({"node1"}));
    CHECK(decide(type, config, &known, {}, lonely).action == Action::update);
    const Observation whole = see(peer("10.77.0.12") + peer("node3") + own);
    CHECK(whole.attributes["members"] == config["members"]);
    CHECK(decide(type, config, nullptr, {}, whole).action == Action::adopt);
    const std::string info = "== info\nUUID=aa\noperating-version=100000\n";
    const std::string all = peer("10.77.0.12") + peer("node3") + own + info;
    CHECK(see(all + list("Connected"), &known).attributes["uuids"] ==
          Value::map({{"node1", "aa"}, {"node2", "x"}, {"node3", "x"}}));
    CHECK_FALSE(decide(type, config, &known, {}, see(all + list("Connected"), &known)).action);
    CHECK(decide(type, config, &known, {}, see(all + list("Disconnected"), &known)).verb ==
          "reconnect");
    const Observation partial = see(peer("node3") + peer("node2", 6) + own, &known);
    CHECK(decide(type, config, &known, {}, partial).action == Action::update);
    const Observation more = see(peer("node2") + peer("node3") + peer("other") + own, &known);
    CHECK(more.foreign.empty());
    CHECK(decide(type, config, &known, {}, more).action == Action::update);
    CHECK(see(peer("node2") + peer("other") + own).foreign ==
          "the pool has members that are not in the spec: other");
}

TEST_CASE("gluster.pool: members that are added and removed") {
    const auto& type = cluster_type("gluster.pool");
    const Value config = normal(type, Value::map({{"hosts", three_hosts()}}));
    const auto create = type.commands(change_of(type, Change::Kind::create, {}, config));
    REQUIRE(create.size() == 5); // ask, give back three UUIDs, join
    for (const int at : {0, 4})
        CHECK(contains(create[at].script,
                       "hosts='node1 10.77.0.11\nnode2 10.77.0.12\nnode3 10.77.0.13'\n"));
    CHECK(create[0].none_is_empty);
    CHECK_FALSE(create[4].none_is_empty);
    for (const int at : {1, 2, 3}) CHECK(create[at].on.size() == 1);
    check_syntax(create);

    const Value two = normal(type, Value::map({{"hosts", three_hosts().without("node3")}}));
    const auto shrink =
        type.commands(change_of(type, Change::Kind::update, config, two, {"members"}));
    REQUIRE(shrink.size() == 5);
    CHECK(contains(shrink[4].script, "hosts='node3 10.77.0.13'\n"));
    CHECK(type.releases(config, two));
    CHECK_FALSE(type.releases(two, config));
    CHECK_FALSE(type.releases(config, config));
    check_syntax(shrink);
    CHECK(type.commands(change_of(type, Change::Kind::remove, config, {})).size() == 1);
}

namespace {

/// A host with glusterd in a directory, on which scripts of gluster.pool run.
struct PoolHost {
    PoolHost() : host{{"systemctl", "echo \"$1\" >>log\n"}} {
        std::filesystem::create_directories(host.dir.path / "glusterd/peers");
    }
    ProcessResult run(std::string script, const std::string& input) const {
        const std::string real = "/var/lib/glusterd";
        for (std::size_t at = script.find(real); at != script.npos; at = script.find(real))
            script.replace(at, real.size(), (host.dir.path / "glusterd").string());
        REQUIRE(script.find("/var/") == script.npos);
        return host.run(fmt::format("printf %s {} | (\n{}\n)", ssh::shell_quote(input), script));
    }
    void put(const std::string& file, const std::string& content) const {
        std::filesystem::create_directories((host.dir.path / "glusterd" / file).parent_path());
        write_file(host.dir.path / "glusterd" / file, content);
    }
    std::string read(const std::string& file) const {
        const auto path = host.dir.path / "glusterd" / file;
        return std::filesystem::exists(path) ? read_file(path) : "(none)";
    }
    Pretence host;
};

} // namespace

TEST_CASE("gluster.pool: a machine that lost its disk gets its UUID and its peers back") {
    const auto& type = cluster_type("gluster.pool");
    const Value config = normal(type, Value::map({{"hosts", three_hosts()}}));
    const std::string back =
        type.commands(change_of(type, Change::Kind::update, config, config, {"connected"}))[1]
            .script;
    const std::string pool = "version 100000\nmember bb node2 10.77.0.12\nmember aa node1\n"
                             "member cc node3\n";
    const PoolHost fresh;
    fresh.put("glusterd.info", "UUID=new\noperating-version=100000\n");
    for (int i = 0; i < 2; ++i) { // the second time nothing is left to do
        const ProcessResult r = fresh.run(back, pool);
        CHECK(r.err == "");
        CHECK(r.out == pool);
        CHECK(fresh.read("glusterd.info") == "UUID=aa\noperating-version=100000\n");
        CHECK(fresh.read("peers/bb") ==
              "uuid=bb\nstate=3\nhostname1=node2\nhostname2=10.77.0.12\n");
        CHECK(fresh.read("peers/cc") == "uuid=cc\nstate=3\nhostname1=node3\n");
        CHECK(fresh.read("peers/aa") == "(none)");
        CHECK(fresh.host.log() == "stop\nstart\n");
    }
    // killed before the UUID was written
    const PoolHost half;
    half.put("peers/bb", "uuid=bb\n");
    CHECK(half.run(back, pool).status == 0);
    CHECK(half.read("glusterd.info") == "UUID=aa\noperating-version=100000\n");

    const PoolHost other;
    other.put("glusterd.info", "UUID=new\n");
    other.put("peers/dd", "uuid=dd\n");
    CHECK(contains(other.run(back, pool).err, "node1 is in a different pool"));
    CHECK(other.read("glusterd.info") == "UUID=new\n");
    const PoolHost busy;
    busy.put("vols/data/info", "type=2\n");
    CHECK(contains(busy.run(back, pool).err, "node1 has volumes of its own"));
    CHECK(busy.host.log().empty());
    // a member that the pool does not know keeps its UUID, and so does everybody without a pool
    for (const std::string& known : {std::string("member bb node2\n"), std::string()}) {
        const PoolHost joining;
        joining.put("glusterd.info", "UUID=new\n");
        CHECK(joining.run(back, known).out == known);
        CHECK(joining.read("glusterd.info") == "UUID=new\n");
    }
}

TEST_CASE("gluster.volume: a volume is gone only if another member says so") {
    const auto& type = cluster_type("gluster.volume");
    const RecordedResource known = record_of(normal(
        type, Value::map({{"hosts", three_hosts()}, {"name", "vol0"}, {"brick", "/b/vol0"}})));
    // What the two other members answer.
    const auto probe = [&](const char* second, const char* third) {
        const TempDir dir;
        std::filesystem::create_directories(dir.path / "peers");
        for (const char* name : {"node2", "node3"})
            write_file(dir.path / "peers" / name, std::string("hostname1=") + name + "\n");
        std::string script = type.probe(request_for(type, known.config, &known));
        for (std::size_t at = 0; (at = script.find("/var/lib/glusterd", at)) != script.npos;)
            script.replace(at, 17, dir.path.string());
        write_file(dir.path / "glusterd", "#!/bin/sh\n", 0755);
        write_file(dir.path / "gluster",
                   std::string("#!/bin/sh\ncase $1 in\n*node2) ") + second + ";;\n*node3) " +
                       third + ";;\nesac\n",
                   0755);
        script.insert(script.find("\ncommand -v glusterd") + 1,
                      "gluster_up() { :; }\nlate() { :; }\nPATH=" + dir.path.string() + ":$PATH\n");
        return run_process({.argv = {"sh"}, .input = script}).out;
    };
    const char* none = "echo 'Volume vol0 does not exist' >&2; exit 1";
    const char* down = "echo 'Connection failed. Please check if gluster daemon is operational.' "
                       ">&2; exit 1";
    CHECK(probe(none, none).empty());
    CHECK(probe(down, none).empty());
    CHECK(probe(down, down) == "== unanswered\n");
    CHECK(probe(down, "exit 0") == "== elsewhere\n");
}
