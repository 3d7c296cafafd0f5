#include "planner/graph/computed.h"
#include "planner/plan/data_loss.h"
#include "planner/plan/make_plan.h"
#include "planner/plan/moves.h"
#include "planner/plan/prior_state.h"
#include "planner/plan/removal.h"
#include "support/project.h"

#include <doctest/doctest.h>

using namespace hadeploy;

namespace {

constexpr const char* kDisks = R"(name: t
resources:
  a: {type: fake.disk, name: a, size: 7}
  b: {type: fake.thing, name: b}
)";

constexpr const char* kCluster = R"(name: t
resources:
  node: {type: fake.server, for_each: [x, y, z], name: "${each.key}"}
  file: {type: fake.disk, name: f, host: "${node[\"x\"].connection}"}
  vol: {type: fake.copies, name: d, size: 3, peers: "${node[*].connection}"}
)";

/// "a: the disk a, 7; ...", with the resource that keeps copies in brackets.
std::string text(const std::vector<Loss>& losses) {
    std::string out;
    for (const Loss& l : losses) {
        out += (out.empty() ? "" : "; ") + l.address + ": " + l.data.what;
        if (l.data.bytes) out += ", " + fmt::to_string(*l.data.bytes);
        if (!l.copied_by.empty()) out += " [" + l.copied_by + "]";
    }
    return out;
}

std::string lost(const char* spec, const PriorState& prior, const PlanOptions& options = {}) {
    const TestSpec t(spec);
    if (options.destroy) return text(make_destroy_plan(prior, t.registry, options).losses);
    return text(make_plan(*t.graph, prior, t.settings, options).losses);
}

PriorState applied_cluster() {
    PriorState prior = as_applied(kCluster);
    for (auto& [address, r] : prior.recorded) {
        const TestSpec t(kCluster);
        const ResourceType& type = *t.registry.type(r.type);
        r.attributes = with_machine(type, address, r.attributes);
    }
    return prior;
}

} // namespace

TEST_CASE("removed and replaced objects lose their data") {
    const PriorState prior = as_applied(kDisks);
    CHECK(lost(kDisks, prior) == "");
    CHECK(lost(kDisks, prior, {.destroy = true}) == "a: the disk a, 7");
    CHECK(lost(kDisks, prior, {.replace = {"a", "b"}}) == "a: the disk a, 7");
    CHECK(lost(kDisks, prior, {.destroy = true, .targets = {"b"}}) == "");
    CHECK(lost("name: t\n", prior) == "a: the disk a, 7");
    CHECK(lost("name: t\nresources: {a: {type: fake.disk, name: other}}\n", prior) ==
          "a: the disk a, 7");
    // a forgotten object is kept, and one with another address only moves
    CHECK(lost("name: t\nremoved: [a]\n", prior) == "");
    const TestSpec moved("name: t\nresources: {c: {type: fake.disk, name: a, size: 7}}\n"
                         "moved: [{from: a, to: c}]\n");
    PriorState before = prior;
    before.observed["c"] = before.observed.at("a");
    CHECK(make_plan(*moved.graph, with_moves(before, moved.spec.moved), moved.settings)
              .losses.empty());
    // an update keeps the data
    const char* other = "name: t\nresources: {a: {type: fake.disk, name: a, size: 7, value: x}}\n";
    CHECK(lost(other, prior) == "");
    // so does the replacement of an object that has lost its data already
    const char* larger = "name: t\nresources: {a: {type: fake.disk, name: a, size: 8}}\n";
    CHECK(lost(larger, prior) == "a: the disk a, 7");
    PriorState broken = prior;
    broken.observed.at("a").data_gone = true;
    CHECK(lost(larger, broken) == "");
}

TEST_CASE("objects that are already gone are no losses of the plan") {
    PriorState prior = as_applied(kDisks);
    prior.observed["a"] = Observation::absent();
    CHECK(lost(kDisks, prior) == "");
    CHECK(lost(kDisks, prior, {.destroy = true}) == "");
    prior.observed.erase("a"); // unknown whether it exists
    CHECK(lost(kDisks, prior, {.destroy = true}) == "a: the disk a, 7");
}

TEST_CASE("the old of two generations loses its data, once") {
    const char* before = "name: t\nresources: {a: {type: fake.disk, name: a1, lifecycle: "
                         "{create_before_destroy: true}}}\n";
    const char* after = "name: t\nresources: {a: {type: fake.disk, name: a2, lifecycle: "
                        "{create_before_destroy: true}}}\n";
    CHECK(lost(after, as_applied(before)) == "a: the disk a1, 1");
    // a resource of another type replaces it: the loss is that of the old one
    CHECK(lost("name: t\nresources: {a: {type: fake.thing, name: a2}}\n", as_applied(before)) ==
          "a: the disk a1, 1");
}

TEST_CASE("copies on machines that stay") {
    const PriorState prior = applied_cluster();
    REQUIRE(machines_in(prior.recorded.at("vol").config).size() == 3);
    // data on a machine is lost with it, and not reported separately
    CHECK(lost(kCluster, prior, {.replace = {"node[\"x\"]"}}) ==
          "node[\"x\"]: the disk of x [vol]");
    // two machines take turns
    CHECK(lost(kCluster, prior, {.replace = {"node[\"x\"]", "node[\"y\"]"}}) ==
          "node[\"x\"]: the disk of x [vol]");
    CHECK(lost(kCluster, prior, {.destroy = true}) ==
          "node[\"x\"]: the disk of x; node[\"y\"]: the disk of y; node[\"z\"]: the disk of z; "
          "vol: the disk d, 3");
    // a machine that is gone already has no copy
    PriorState without_z = prior;
    without_z.observed["node[\"z\"]"] = Observation::absent();
    CHECK(lost(kCluster, without_z) == "");
    CHECK(lost(kCluster, without_z, {.replace = {"node[\"y\"]"}}) == ""); // z comes first
    // copies that are removed too do not help
    CHECK(lost(kCluster, prior, {.replace = {"node[\"x\"]", "vol"}}).find("[vol]") ==
          std::string::npos);
}
