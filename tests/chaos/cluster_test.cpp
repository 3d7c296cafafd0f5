#include "chaos/injector.h"
#include "chaos/objections.h"
#include "chaos/replicas.h"
#include "chaos/target.h"
#include "fake_cluster.h"

#include <doctest/doctest.h>
#include <mutex>
#include <set>

using namespace hadeploy;
using namespace hadeploy::chaos;
using namespace hadeploy::chaos::test;
using namespace std::chrono_literals;

namespace {

/// The calls to the endpoints of a fake provider, and their answers.
struct Places {
    std::map<std::string, std::string> broken; ///< endpoint -> problem
    std::vector<std::string> reads;            ///< endpoints in the order of the reads
    std::vector<std::pair<std::string, Change>> changes;
    std::map<std::string, std::vector<fault::Record>> faults; ///< by endpoint
    std::mutex mutex;
};

Value seen() {
    const Value node = Value::map({{"id", "n2"},
                                   {"name", "node2"},
                                   {"role", "manager"},
                                   {"status", "ready"},
                                   {"availability", "active"},
                                   {"leader", false},
                                   {"reachable", true}});
    const Value task = Value::map({{"id", "t"},
                                   {"service", "web"},
                                   {"slot", "2"},
                                   {"node", "node2"},
                                   {"state", "running"},
                                   {"desired", "running"},
                                   {"error", ""}});
    return Value::map(
        {{"nodes", Value::list({node, node.with("name", "node1").with("id", "n1")})},
         {"services", Value::list({Value::map({{"name", "web"}, {"desired", 2}, {"running", 1}})})},
         {"tasks", Value::list({task})}});
}

class FakeEndpoint : public OpenEndpoint {
  public:
    FakeEndpoint(std::string place, Places& places) : place_(std::move(place)), places_(places) {}
    std::vector<Observation> read(std::span<const ReadRequest> requests,
                                  const Notice& /*notice*/) override {
        const std::lock_guard lock(places_.mutex);
        places_.reads.push_back(place_);
        if (const auto why = trouble()) return {Observation::failed(*why)};
        if (requests[0].type->name == "host.fault")
            return {Observation::present(
                Value::map({{"faults", fault::to_value(places_.faults[place_])}}))};
        CHECK(requests[0].type->name == "docker.cluster");
        return {Observation::present(seen())};
    }
    void apply(std::span<const Change> changes, ChangeSink& sink) override {
        if (const auto why = trouble()) return sink.failed(0, *why);
        sink.progress(0, "arming");
        sink.progress(0, "draining");
        places_.changes.emplace_back(place_, changes[0]);
        sink.done(0, Value());
    }

  private:
    std::optional<Error> trouble() const {
        const auto it = places_.broken.find(place_);
        if (it == places_.broken.end()) return std::nullopt;
        return Error(ErrorKind::failed, it->second);
    }
    std::string place_;
    Places& places_;
};

class FakeProvider : public Provider {
  public:
    explicit FakeProvider(Places& places) : places_(places) { name = "ssh"; }
    std::vector<Endpoint> endpoints(const ResourceType&, const Value& config,
                                    const Value&) const override {
        std::vector<Endpoint> out;
        if (config["hosts"].is_map())
            for (const Entry& e : config["hosts"].as_map()) out.push_back({e.key, "", e.value});
        else
            out.push_back({config["host"].text("key"), "", config["host"]});
        return out;
    }
    std::shared_ptr<OpenEndpoint> open(const Endpoint& endpoint, const ProviderContext&) override {
        if (places_.broken.contains(endpoint.key) && places_.broken[endpoint.key] == "off")
            throw Error(ErrorKind::unreachable, "no route to host");
        return std::make_shared<FakeEndpoint>(endpoint.key, places_);
    }

  private:
    Places& places_;
};

/// A registry with the two types and three endpoints.
struct Door {
    Door() {
        registry.add(std::make_unique<FakeProvider>(places));
        for (const char* name : {"docker.cluster", "host.fault"}) {
            auto type = std::make_unique<ResourceType>();
            type->name = name;
            type->provider = "ssh";
            registry.add(std::move(type));
        }
        cluster = open_cluster(endpoints, settings, [this] { return hosts; });
        injector = open_faults(endpoints, settings, hosts, prior);
    }
    Places places;
    Registry registry;
    ProviderSettings settings{{"ssh", Value::map({})}};
    PriorState prior;
    Endpoints endpoints{registry, ProviderContext{.lineage = "L"}};
    Value hosts = Value::map({{"a", Value::map({{"key", "a"}, {"address", "10.0.0.1"}})},
                              {"b", Value::map({{"key", "b"}, {"address", "10.0.0.2"}})},
                              {"c", Value::map({{"key", "c"}, {"address", "10.0.0.3"}})}});
    std::unique_ptr<Cluster> cluster;
    std::unique_ptr<Faults> injector;
};

Snapshot three() {
    Snapshot s;
    s.nodes = {manager("node1", true), manager("node2"), manager("node3")};
    return s;
}

Fault fault_of(FaultKind kind, const std::string& node = "node2") {
    Fault fault;
    fault.kind = kind;
    fault.node = node;
    return fault;
}

std::string said(const Snapshot& s, const std::string& node = "node2",
                 FaultKind kind = FaultKind::drain) {
    std::string out;
    for (const Objection& o : objections(s, fault_of(kind, node)))
        out += o.text + (o.can_be_forced ? " (may be forced)" : "") + "\n";
    return out;
}

} // namespace

TEST_CASE("a snapshot contains the observed attributes") {
    const Snapshot s = parse_snapshot(seen());
    REQUIRE(s.nodes.size() == 2);
    CHECK(s.nodes[0].name == "node1");
    CHECK(s.find("n2")->name == "node2");
    CHECK(s.find("node9") == nullptr);
    CHECK(s.nodes[1].is_up());
    CHECK(s.tasks[0].label() == "web.2");
    CHECK(placement(s) == std::map<std::string, std::string>{{"web.2", "node2"}});
    CHECK(running_on(s, "node2") == std::vector<std::string>{"web.2"});
    CHECK(service_problems(s) == std::vector<std::string>{"web has 1 of 2 tasks"});
    CHECK(node_problems(s).empty());
    CHECK(parse_snapshot(Value()).nodes.empty());
}

TEST_CASE("a node has to be ready, reachable and active") {
    Snapshot s = three();
    s.nodes[0].availability = "drain";
    s.nodes[1].status = "down";
    s.nodes[2].reachable = false;
    CHECK(node_problems(s).size() == 3);
}

TEST_CASE("the first manager that answers is used, and tried first the next time") {
    Door door;
    door.places.broken = {{"a", "off"}, {"b", "This node is not a swarm manager."}};
    CHECK(door.cluster->look().nodes.size() == 2);
    CHECK(door.places.reads == std::vector<std::string>{"b", "c"});
    door.cluster->look();
    CHECK(door.places.reads == std::vector<std::string>{"b", "c", "c"});
}

TEST_CASE("when no manager answers, the error contains the problem of each endpoint") {
    Door door;
    door.places.broken = {{"a", "off"}, {"b", "no manager"}, {"c", "Docker does not run"}};
    try {
        door.cluster->look();
        FAIL("it has to throw");
    } catch (const Error& error) {
        CHECK(error.kind == ErrorKind::unreachable);
        REQUIRE(error.notes.size() == 3);
        CHECK(error.notes[0].text == "a: no route to host");
        CHECK(error.notes[2].text == "c: Docker does not run");
    }
}

TEST_CASE("machines that were replaced meanwhile are found by their new connections") {
    Door door;
    door.cluster->look();
    door.places.broken = {{"a", "a different host key"}, {"b", "off"}, {"c", "off"}};
    CHECK_THROWS_AS(door.cluster->look(), Error);
    door.hosts = Value::map({{"new", Value::map({{"key", "new"}, {"address", "10.0.0.1"}})}});
    CHECK(door.cluster->look().nodes.size() == 2);
    door.places.broken["new"] = "no manager";
    CHECK_THROWS_WITH_AS(door.cluster->look(), "no manager of the swarm answers", Error);
}

TEST_CASE("a drain is injected and undone through any manager") {
    Door door;
    door.places.broken = {{"a", "off"}};
    Fault node;
    node.node = "b";
    const Injector::Time before = std::chrono::steady_clock::now();
    CHECK(door.injector->inject(node, 90s) >= before);
    door.injector->undo(node);
    REQUIRE(door.places.changes.size() == 2);
    const auto& [place, drain] = door.places.changes[0];
    CHECK(place == "b");
    CHECK(drain.type->name == "host.fault");
    CHECK(drain.after.text("kind") == "drain");
    CHECK(drain.kind == Change::Kind::create);
    CHECK(drain.after.text("node") == "b");
    CHECK(drain.after.integer("undo_after") == 90'000);
    const Change& restore = door.places.changes[1].second;
    CHECK(restore.kind == Change::Kind::remove);
    CHECK(restore.before.text("node") == "b");
    CHECK(restore.after.is_null());
    door.places.broken = {{"a", "off"}, {"b", "off"}, {"c", "read-only"}};
    CHECK_THROWS_AS(door.injector->inject(node, 90s), Error);
}

TEST_CASE("one of three managers may be drained") {
    CHECK(said(three()) == "");
}

TEST_CASE("a drain that breaks the quorum or leaves no room is refused, and can be forced") {
    Snapshot s = three();
    s.nodes[2].reachable = false;
    CHECK(said(s).find("only 1 of 3 managers would be left, but the quorum needs 2") !=
          std::string::npos);
    CHECK(said(s).find("(may be forced)") != std::string::npos);

    s = three();
    s.nodes[2].availability = "drain";
    CHECK(said(s) == "another node accepts no tasks: node3 (may be forced)\n");

    s = three();
    s.nodes.push_back({"w", "worker1", "", "worker", "down", "active", false, false});
    CHECK(said(s) == "worker1 cannot be reached (may be forced)\n");

    s.nodes = {manager("node2", true)};
    CHECK(said(s) == "no node would be left for its tasks (may be forced)\n");
}

TEST_CASE("an impossible drill is refused and cannot be forced") {
    CHECK(said(three(), "nod2") == "the swarm has no node with this name\n");
    CHECK(objections(three(), fault_of(FaultKind::drain, "nod2"))[0].hint == "did you mean node2?");
    Snapshot s = three();
    s.nodes[1].availability = "drain";
    CHECK(said(s) == "its availability is already drain\n");
}

TEST_CASE("every fault that can silence a manager is checked against the quorum") {
    Snapshot two = three();
    two.nodes[2].reachable = false;
    for (const FaultKind kind : fault_kinds()) {
        CAPTURE(std::string(name_of(kind)));
        const bool harmless = kind == FaultKind::kill_service || kind == FaultKind::kill_brick;
        CHECK((said(two, "node2", kind).find("only 1 of 3 managers would be left") !=
               std::string::npos) != harmless);
        CHECK(said(two, "node2", kind).find("may be forced") != std::string::npos);
        CHECK(said(three(), "node2", kind) == "");
    }
    Snapshot one; // a manager and a worker: drained, the manager keeps its vote
    one.nodes = {manager("node1", true),
                 {"w", "worker1", "", "worker", "ready", "active", false, false}};
    CHECK(said(one, "node1") == "");
    CHECK(said(one, "node1", FaultKind::kill).find("only 0 of 1 managers") != std::string::npos);
    CHECK(said(one, "worker1", FaultKind::kill) == "");
    Snapshot down = three();
    down.nodes[1].status = "down"; // the target: the others keep the majority
    CHECK(said(down, "node2", FaultKind::kill) == "node2 cannot be reached (may be forced)\n");
}

TEST_CASE("too few replicas of a volume: refused unless forced") {
    const Value volume = Value::map(
        {{"name", "vol0"},
         {"replica", 3},
         {"bricks",
          Value::list({"node1:/b", "node2:/b", "node3:/b", "node4:/b", "node5:/b", "node6:/b"})}});
    const auto bricks = [](const std::vector<std::string>& online) {
        Value::List out;
        for (const std::string& name : online)
            out.push_back(
                Value::map({{"volume", "vol0"}, {"brick", name + ":/b"}, {"online", true}}));
        return Value::list(std::move(out));
    };
    const auto against = [&](const std::vector<std::string>& online, FaultKind kind,
                             const std::string& node) {
        std::string out;
        for (const Objection& o :
             objections(replica_sets(volume, bricks(online)), fault_of(kind, node))) {
            CHECK(o.can_be_forced);
            out += o.text;
        }
        return out;
    };
    const std::vector<std::string> all{"node1", "node2", "node3", "node4", "node5", "node6"};
    CHECK(replica_sets(volume, bricks(all)).size() == 2);
    CHECK(against(all, FaultKind::kill, "node2") == "");
    const std::vector<std::string> less{"node1", "node2", "node4", "node5", "node6"};
    CHECK(against(less, FaultKind::kill, "node2") ==
          "only 1 of 3 replicas of the volume vol0 would be left, which is no quorum for writes");
    CHECK(against(less, FaultKind::kill_brick, "node1") != "");
    CHECK(against(less, FaultKind::kill, "node3") == ""); // its brick is offline already
    CHECK(against(less, FaultKind::kill, "node5") == ""); // another replica set
    CHECK(against(less, FaultKind::stop_docker, "node2") == "");
    // of two replicas, the first one decides
    const std::vector<ReplicaSet> pair{{"v", {{"node1", true}, {"node2", true}}}};
    CHECK(objections(pair, fault_of(FaultKind::kill, "node2")).empty());
    CHECK(objections(pair, fault_of(FaultKind::kill, "node1")).size() == 1);
}

TEST_CASE("the leader or a random node is the target") {
    Snapshot s = three();
    CHECK(leader_of(s) == "node1");
    s.nodes[0].leader = false;
    CHECK_THROWS_AS((void)leader_of(s), Error);
    s.nodes[1].status = "down";
    std::set<std::string> chosen;
    for (std::uint64_t seed = 0; seed < 50; ++seed) {
        CHECK(random_node(s, seed) == random_node(s, seed));
        chosen.insert(random_node(s, seed));
    }
    CHECK(chosen == std::set<std::string>{"node1", "node3"});
    CHECK_THROWS_AS((void)random_node(Snapshot{}, 1), Error);
}

TEST_CASE("a fault is injected on its own host, with the addresses of the others") {
    Door door;
    Fault fault = fault_of(FaultKind::latency, "b");
    fault.options = Value::map({{"delay", 100}});
    door.injector->inject(fault, 90s);
    REQUIRE(door.places.changes.size() == 1);
    const auto& [place, change] = door.places.changes[0];
    CHECK(place == "b");
    CHECK(change.kind == Change::Kind::create);
    CHECK(change.after.text("kind") == "latency");
    CHECK(change.after["options"].integer("delay") == 100);
    CHECK(change.after.text("lineage") == "L");
    CHECK(change.after["others"] == Value::list({"10.0.0.1", "10.0.0.3"}));
    door.injector->undo(fault);
    CHECK(door.places.changes[1].first == "b");
    CHECK(door.places.changes[1].second.kind == Change::Kind::remove);
}

TEST_CASE("a node without a connection or a machine, or with a fault: refused") {
    Door door;
    const auto refusal = [&](const Fault& fault) -> std::string {
        try {
            door.injector->check(fault, false);
            return "";
        } catch (const Error& error) {
            return error.message;
        }
    };
    CHECK(refusal(fault_of(FaultKind::latency, "b")) == "");
    CHECK(refusal(fault_of(FaultKind::latency, "z")) ==
          "latency of z is refused: there is no connection to this node");
    CHECK(refusal(fault_of(FaultKind::kill, "b")) ==
          "kill of b is refused: the node is not a libvirt.domain of this project");
    // also a drain, whose record is on another host
    door.places.faults["c"] = {{"b", "drain", "another project", 1s, 2s, true}};
    CHECK(refusal(fault_of(FaultKind::latency, "b")) ==
          "latency of b is refused: the node already has a fault: drain");
    CHECK(refusal(fault_of(FaultKind::latency, "c")) == "");
}

TEST_CASE("halt ends the project's faults everywhere, and reports hosts that it cannot ask") {
    Door door;
    CHECK(door.injector->halt().empty());
    door.places.faults["a"] = {{"a", "latency", "L", 5s, 60s, true}};
    door.places.faults["b"] = {{"b", "loss", "another project", 5s, 60s, true},
                               {"c", "drain", "L", 5s, 60s, true}};
    CHECK(door.injector->list().active.size() == 3);
    const auto ended = door.injector->halt();
    CHECK(ended.size() == 2);
    REQUIRE(door.places.changes.size() == 2);
    CHECK(door.places.changes[0].first == "a");
    CHECK(door.places.changes[0].second.before.text("kind") == "latency");
    CHECK(door.places.changes[1].first == "b");
    CHECK(door.places.changes[1].second.before.text("node") == "c");

    door.places.broken = {{"c", "no route to host"}};
    CHECK(door.injector->list().unread == std::vector<std::string>{"c: no route to host"});
    CHECK_THROWS_AS(door.injector->halt(), Error);
    CHECK(door.places.changes.size() == 4); // the others have been ended all the same
}
