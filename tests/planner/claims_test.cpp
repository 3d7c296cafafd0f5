// Things that only one resource of a spec can have.
#include "planner/graph/claims.h"
#include "planner/plan/make_plan.h"
#include "planner/plan/prior_state.h"
#include "support/project.h"

#include <doctest/doctest.h>

using namespace hadeploy;

namespace {

/// Claims its name twice if the value is "twice", and votes in the group `size`. A value with a
/// slash is a network; the host has its first address if the size is 2. Any other value with a dot
/// is an address in the network "net".
class Claimant : public fake::Thing {
  public:
    std::vector<std::string> claims(const Value& config) const override {
        std::vector<std::string> out{"thing " + config.text("name")};
        if (config.text("value") == "twice") out.push_back(out.front());
        return out;
    }
    std::string votes_in(const Value& config) const override {
        return config.text("value") == "votes" ? "the swarm" : "";
    }
    std::vector<NetworkUse> networks(const Value& config) const override {
        const std::string value = config.text("value");
        if (value.find('.') == value.npos) return {};
        if (value.find('/') == value.npos) return {{"net", "", value, {}}};
        const std::string own = config.integer("size") == 2 ? "10.0.0.1" : "";
        return {{config.text("name"), value, own, {}}};
    }
};

struct Claimed {
    std::string name, value;
    std::int64_t size = 1;
};

/// The claims of resources "r0", "r1", ...: errors and remarks.
std::string claims_of(const std::vector<Claimed>& all) {
    const Claimant type;
    const ResourceBlock block{};
    std::vector<Node> nodes(all.size());
    Claims claims;
    for (std::size_t i = 0; i < all.size(); ++i) {
        nodes[i].address = "r" + std::to_string(i);
        nodes[i].type = &type;
        nodes[i].block = &block;
        claims.add(
            nodes[i],
            Value::map({{"name", all[i].name}, {"value", all[i].value}, {"size", all[i].size}}));
    }
    Diagnostics diagnostics;
    claims.check(diagnostics);
    std::string out;
    for (const Error& e : diagnostics.list()) out += e.message + "; ";
    const TestSpec empty("name: t\n");
    for (const std::string& remark : claims.remarks(*empty.graph)) out += "note: " + remark + "; ";
    return out;
}

} // namespace

TEST_CASE("two resources that claim one real object") {
    const TestSpec t(R"(
name: t
resources:
  a: {type: fake.thing, name: same}
  b: {type: fake.thing, name: same}
)");
    PriorState prior{.lineage = "00000000-0000-4000-8000-000000000000"};
    for (const Node& n : t.graph->nodes()) prior.observed[n.address] = Observation::absent();
    try {
        make_plan(*t.graph, prior, t.settings);
        FAIL("both were planned");
    } catch (const Error& e) {
        CHECK(e.message == "a and b both manage fake same");
    }
}

TEST_CASE("an object is claimed once") {
    CHECK(claims_of({{"a", ""}, {"b", ""}}) == "");
    CHECK(claims_of({{"a", ""}, {"a", ""}}) == "r0 and r1 both manage thing a; ");
    CHECK(claims_of({{"a", "twice"}}) == "r0 claims thing a twice; ");
}

TEST_CASE("claims are found by their name and by their prefix") {
    const Claimant type;
    const ResourceBlock block{};
    Node node;
    node.type = &type;
    node.block = &block;
    Claims claims;
    claims.add(node, Value::map({{"name", "a"}, {"value", ""}}));
    claims.add(node, Value::map({{"name", "ab"}, {"value", ""}}));
    claims.add(node, Value::map({{"name", "b"}, {"value", ""}}));
    CHECK(claims.owner("thing a") == &node);
    CHECK(claims.owner("thing c") == nullptr);
    CHECK(claims.within("thing a").size() == 2);
    CHECK(claims.within("thing ").size() == 3);
    CHECK(claims.within("thing c").empty());
}

TEST_CASE("networks do not overlap") {
    CHECK(claims_of({{"net", "10.0.0.0/24"}, {"other", "10.0.1.0/24"}}) == "");
    CHECK(claims_of({{"net", "10.0.0.0/24"}, {"other", "10.0.0.128/25"}}) ==
          "the network 10.0.0.128/25 overlaps with 10.0.0.0/24 of r0; ");
    // the widest one counts, not the one before
    CHECK(claims_of({{"net", "10.0.0.0/16"}, {"b", "10.0.1.0/24"}, {"c", "10.0.3.0/24"}}) ==
          "the network 10.0.1.0/24 overlaps with 10.0.0.0/16 of r0; "
          "the network 10.0.3.0/24 overlaps with 10.0.0.0/16 of r0; ");
}

TEST_CASE("an address is in its network, and of no other use there") {
    const auto with = [](const std::string& range, const std::string& address) {
        return claims_of({{"net", range, 2}, {"a", address}});
    };
    CHECK(with("10.0.0.0/24", "10.0.0.7") == "");
    CHECK(with("10.0.0.0/24", "10.0.1.7") ==
          "the address 10.0.1.7 is not in the network 10.0.0.0/24; ");
    CHECK(with("10.0.0.0/24", "10.0.0.255") ==
          "the address 10.0.0.255 can't be a machine's address: it is the network or broadcast "
          "address of the "
          "network 10.0.0.0/24; ");
    CHECK(with("10.0.0.0/24", "10.0.0.1") ==
          "the address 10.0.0.1 can't be a machine's address: it is the host's own address in the "
          "network 10.0.0.0/24; ");
    CHECK(with("10.0.0.6/31", "10.0.0.6") == "");
    // of a network that is managed elsewhere nothing is known
    CHECK(claims_of({{"other", "10.0.0.0/24"}, {"a", "10.9.9.9"}}) == "");
}

TEST_CASE("an even number of votes is pointed out") {
    CHECK(claims_of({{"a", "votes"}}) == "");
    CHECK(claims_of({{"a", "votes"}, {"b", "votes"}}) ==
          "note: the swarm has 2 managers: an even number tolerates no more failures than 1 "
          "would; ");
}
