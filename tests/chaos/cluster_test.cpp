#include "chaos/drill.h"
#include "fake_cluster.h"

#include <doctest/doctest.h>

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
        places_.reads.push_back(place_);
        if (const auto why = trouble()) return {Observation::failed(*why)};
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
        for (const Entry& e : config["hosts"].as_map()) out.push_back({e.key, "", e.value});
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
        for (const char* name : {"docker.cluster", "docker.drain"}) {
            auto type = std::make_unique<ResourceType>();
            type->name = name;
            type->provider = "ssh";
            registry.add(std::move(type));
        }
        cluster = open_cluster(endpoints, {{"ssh", Value::map({})}}, hosts);
    }
    Places places;
    Registry registry;
    Endpoints endpoints{registry, ProviderContext{}};
    Value hosts = Value::map({{"a", Value::map({})}, {"b", Value::map({})}, {"c", Value::map({})}});
    std::unique_ptr<Cluster> cluster;
};

Snapshot three() {
    Snapshot s;
    s.nodes = {manager("node1", true), manager("node2"), manager("node3")};
    return s;
}

std::string said(const Snapshot& s, const std::string& node = "node2") {
    std::string out;
    for (const Objection& o : objections(s, node))
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

TEST_CASE("a drain creates a docker.drain, a return removes it") {
    Door door;
    door.places.broken = {{"a", "off"}};
    const ClusterNode node = manager("node2");
    const Cluster::Time before = std::chrono::steady_clock::now();
    CHECK(door.cluster->drain(node, 90s) >= before);
    door.cluster->restore(node);
    REQUIRE(door.places.changes.size() == 2);
    const auto& [place, drain] = door.places.changes[0];
    CHECK(place == "b");
    CHECK(drain.type->name == "docker.drain");
    CHECK(drain.kind == Change::Kind::create);
    CHECK(drain.after.text("node") == "id-node2");
    CHECK(drain.after.integer("undo_after") == 90'000);
    const Change& restore = door.places.changes[1].second;
    CHECK(restore.kind == Change::Kind::remove);
    CHECK(restore.before.text("node") == "id-node2");
    CHECK(restore.after.is_null());
    door.places.broken = {{"a", "off"}, {"b", "off"}, {"c", "read-only"}};
    CHECK_THROWS_AS(door.cluster->drain(node, 90s), Error);
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
    CHECK(objections(three(), "nod2")[0].hint == "did you mean node2?");
    Snapshot s = three();
    s.nodes[1].availability = "drain";
    CHECK(said(s) == "its availability is already drain\n");
}
