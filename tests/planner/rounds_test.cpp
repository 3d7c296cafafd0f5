// Machines of a cluster that are taken down one at a time.
#include "planner/graph/computed.h"
#include "planner/plan/make_plan.h"
#include "planner/plan/prior_state.h"
#include "support/project.h"

#include <doctest/doctest.h>

using namespace hadeploy;

namespace {

/// Machines with a member each, and a store with a copy on each of them.
std::string cluster(const std::string& keys, int copies, const std::string& more = "") {
    return "name: t\nresources:\n"
           "  base: {type: fake.thing, name: \"base\"" +
           std::string(more.find("base2") != more.npos
                           ? "2, lifecycle: {create_before_destroy: true}"
                           : "") +
           "}\n"
           "  vm: {type: fake.vm, for_each: [" +
           keys + "], name: \"${each.key}\"" + more +
           ", depends_on: [base]}\n"
           "  member: {type: fake.member, for_each: [" +
           keys +
           "], name: \"m-${each.key}\", host: \"${vm[each.key].connection}\", peers: "
           "\"${vm[*].connection}\"}\n"
           "  store: {type: fake.shared, name: s, size: " +
           std::to_string(copies) +
           ", peers: \"${vm[*].connection}\"}\n"
           "  file: {type: fake.thing, for_each: [" +
           keys +
           "], name: \"f-${each.key}\", host: \"${vm[each.key].connection}\", depends_on: "
           "[store]}\n";
}

PriorState applied(const std::string& spec) {
    return as_applied(spec.c_str());
}

Plan plan_of(const std::string& spec, const PriorState& prior, const PlanOptions& options = {}) {
    const TestSpec t(spec.c_str());
    return make_plan(*t.graph, prior, t.settings, options);
}

/// The steps in order, "(first half)" marked by a leading "-", and the turns after them.
std::string steps_and_turns(const Plan& plan) {
    std::string out;
    for (const Step& s : plan.steps) {
        out += s.first_half || s.action == Action::remove ? "-" : "";
        out += s.address + (s.verb.empty() ? "" : " " + s.verb) + "; ";
    }
    if (!plan.later.empty()) out += "then";
    for (const Turn& turn : plan.later) out += " " + turn.addresses.front();
    return out;
}

const std::string kThree = cluster("x, y, z", 3);
const std::string kMore = cluster("x, y, z", 3, ", memory: 2");

/// The reason of a step; "" if there is none.
std::string reason(const Plan& plan, const std::string& address) {
    for (const Step& s : plan.steps)
        if (s.address == address && !s.first_half) return s.reason;
    return "(no step)";
}

} // namespace

TEST_CASE("turns: a restart takes one machine, whose member leaves before and joins after") {
    const PriorState prior = applied(kThree);
    CHECK(steps_and_turns(plan_of(kThree, prior)).empty());
    const Plan plan = plan_of(kMore, prior);
    CHECK(steps_and_turns(plan) ==
          "-member[\"x\"]; vm[\"x\"] restart; member[\"x\"]; store; then vm[\"y\"] vm[\"z\"]");
    CHECK(reason(plan, "member[\"x\"]") ==
          "it leaves the cluster and joins it again, because its machine is "
          "taken down; 2 votes, quorum 2 without it");
    CHECK(reason(plan, "store").starts_with("read again after a change of its machines"));
    // nothing is left to do until the next turn
    CHECK(steps_and_turns(plan_of(kMore, prior, {.hold = true})) ==
          "then vm[\"x\"] vm[\"y\"] vm[\"z\"]");
    CHECK(plan_of(kMore, prior, {.hold = true}).empty());
}

TEST_CASE("turns: a replacement takes one machine, and the rest is tainted for later") {
    const PriorState prior = applied(kThree);
    const Plan plan = plan_of(kThree, prior, {.replace = {"vm[\"y\"]", "vm[\"z\"]"}});
    // the other members record the new host key of their peer
    CHECK(steps_and_turns(plan) ==
          "-member[\"y\"]; -vm[\"y\"]; vm[\"y\"]; member[\"x\"]; member[\"y\"]; "
          "member[\"z\"]; store; file[\"y\"]; then vm[\"z\"]");
    PriorState later = prior;
    std::size_t tainted = 0;
    for (const RecordedResource& r : plan.records) {
        if (!r.tainted) continue;
        ++tainted;
        if (r.address == "vm[\"z\"]") later.recorded[r.address] = r;
    }
    CHECK(tainted == 3); // the member too
    CHECK(steps_and_turns(plan_of(kThree, later))
              .starts_with("-member[\"z\"]; -vm[\"z\"]; vm[\"z\"]"));
}

TEST_CASE("turns: any of the machines can be replaced, with the members in a serial block or not") {
    const std::vector<std::string> keys{"w", "x", "y", "z"};
    const std::string peers = "peers: \"${vm[*].connection}\"}\n  store";
    for (const bool serial : {false, true})
        for (const bool more_memory : {false, true})
            for (unsigned chosen = 1; chosen < 1U << keys.size(); ++chosen) {
                CAPTURE(serial);
                CAPTURE(more_memory);
                CAPTURE(chosen);
                const auto spec = [&](const std::string& options) {
                    std::string out = cluster("w, x, y, z", 4, options);
                    if (serial) out.replace(out.find(peers), 1, "serial: true, p");
                    return out;
                };
                std::vector<std::string> replaced;
                for (std::size_t i = 0; i < keys.size(); ++i)
                    if ((chosen >> i & 1U) != 0) replaced.push_back("vm[\"" + keys[i] + "\"]");
                const Plan plan = plan_of(spec(more_memory ? ", memory: 2" : ""), applied(spec("")),
                                          {.replace = replaced});
                // a machine at a time, whose member leaves first
                CHECK(plan.later.size() == (more_memory ? keys.size() : replaced.size()) - 1);
                const std::string steps = steps_and_turns(plan);
                CAPTURE(steps);
                CHECK(steps.starts_with("-member"));
                const std::string key = steps.substr(0, steps.find(';')).substr(7);
                const bool renewed = more_memory ? (chosen & 1U) != 0 : true;
                const std::string removal = renewed ? "; -vm" + key : "";
                CHECK(steps.starts_with("-member" + key + removal + "; vm" + key));
            }
}

TEST_CASE("turns: what is ill is repaired before, unless its machine takes the turn") {
    PriorState prior = applied(kThree);
    Observation& store = prior.observed.at("store");
    store.attributes = store.attributes.with("online", false);
    CHECK(steps_and_turns(plan_of(kMore, prior)) ==
          "store restart; then vm[\"x\"] vm[\"y\"] vm[\"z\"]");

    prior = applied(kThree);
    prior.observed["vm[\"z\"]"] = Observation::absent();
    for (const char* on_it : {"member[\"z\"]", "file[\"z\"]"}) prior.observed.erase(on_it);
    const Plan lost = plan_of(kMore, prior);
    CHECK(steps_and_turns(lost).find("vm[\"z\"]; ") != std::string::npos);
    CHECK(steps_and_turns(lost).find("then vm[\"x\"] vm[\"y\"]") != std::string::npos);

    prior = applied(kThree);
    Observation& member = prior.observed.at("member[\"z\"]");
    member.attributes = member.attributes.with("labels", Value::map({{"a", "b"}}));
    prior.recorded.at("member[\"z\"]").config =
        prior.recorded.at("member[\"z\"]").config.with("labels", Value::map({}));
    CHECK(steps_and_turns(plan_of(kMore, prior)).ends_with("then vm[\"x\"] vm[\"y\"] vm[\"z\"]") ==
          false);
}

TEST_CASE("a machine that is gone: the objects that it shares are read again when it is back") {
    PriorState prior = applied(kThree);
    prior.observed["vm[\"z\"]"] = Observation::absent();
    for (const char* on_it : {"member[\"z\"]", "file[\"z\"]"}) prior.observed.erase(on_it);
    const Plan plan = plan_of(kThree, prior);
    std::size_t shared = 0;
    for (const Step& s : plan.steps)
        if (s.address == "store" && ++shared) CHECK(s.read_first);
    CHECK(shared == 1);
}

namespace {
/// The cluster, with two packages on each machine: the members need one of them.
std::string with_packages(const char* version, const char* other, const char* memory = "1") {
    std::string spec = cluster("x, y, z", 3, std::string(", memory: ") + memory);
    const std::string on_each = "for_each: [x, y, z], host: \"${vm[each.key].connection}\", name: ";
    spec += "  daemon: {type: fake.package, " + on_each + "\"d-${each.key}\", value: " + version +
            "}\n  tool: {type: fake.package, " + on_each + "\"t-${each.key}\", value: " + other +
            "}\n";
    const std::string peers = "peers: \"${vm[*].connection}\"}\n  store";
    return spec.replace(spec.find(peers), peers.size(),
                        "peers: \"${vm[*].connection}\", depends_on: [daemon]}\n  store");
}
} // namespace

TEST_CASE("turns: an update that stops what runs on its machine takes one machine") {
    const PriorState prior = applied(with_packages("a", "b"));
    CHECK(steps_and_turns(plan_of(with_packages("a", "b"), prior)).empty());
    const std::string later = "then daemon[\"y\"] daemon[\"z\"]";
    CHECK(steps_and_turns(plan_of(with_packages("new", "b"), prior)) ==
          "-member[\"x\"]; daemon[\"x\"]; member[\"x\"]; " + later);
    CHECK(steps_and_turns(plan_of(with_packages("new", "b"), prior, {.hold = true})) ==
          "then daemon[\"x\"] daemon[\"y\"] daemon[\"z\"]");
    // the members stay if they do not need it
    CHECK(steps_and_turns(plan_of(with_packages("a", "new"), prior)) ==
          "tool[\"x\"]; then tool[\"y\"] tool[\"z\"]");
    // all changes of a machine are one turn
    const Plan plan = plan_of(with_packages("new", "new", "2"), prior);
    REQUIRE(plan.later.size() == 2);
    CHECK(plan.later[0].machine == "vm[\"y\"]");
    CHECK(plan.later[0].verb == "restart");
    CHECK(plan.later[0].addresses ==
          std::vector<std::string>{"vm[\"y\"]", "daemon[\"y\"]", "tool[\"y\"]"});
}

TEST_CASE("turns: machines without a cluster go together") {
    const auto spec = [](const char* memory) {
        return "name: t\nresources:\n  vm: {type: fake.vm, for_each: [x, y], name: "
               "\"${each.key}\", "
               "memory: " +
               std::string(memory) + "}\n";
    };
    CHECK(steps_and_turns(plan_of(spec("2"), applied(spec("1")))) ==
          "vm[\"x\"] restart; vm[\"y\"] restart; ");
}

TEST_CASE("turns: what the machines that are left still use stays") {
    const PriorState prior = applied(cluster("x, y, z", 3, ", size: 1"));
    // the base is replaced first: they cannot take turns
    const Plan at_once = plan_of(kThree, prior, {.replace = {"base", "vm[\"x\"]", "vm[\"y\"]"}});
    CHECK(at_once.later.empty());
    REQUIRE(at_once.notices.size() == 1);
    CHECK(at_once.notices[0].find("create_before_destroy") != std::string::npos);
    const std::string next = cluster("x, y, z", 3, ", size: 2 # base2");
    CHECK(next.find("base2") != std::string::npos);
}

TEST_CASE("growth: members come before the copies, and leave after them") {
    const std::string five = cluster("v, w, x, y, z", 5);
    const Plan grow = plan_of(five, applied(kThree));
    CHECK(reason(grow, "store") == "3 -> 5 copies, a majority is 3");
    CHECK(reason(grow, "member[\"v\"]") == "then 4 votes, quorum 3");
    CHECK(reason(grow, "member[\"w\"]") == "then 5 votes, quorum 3");
    const Plan shrink = plan_of(kThree, applied(five));
    CHECK(reason(shrink, "store") == "5 -> 3 copies, a majority is 2");
    CHECK(reason(shrink, "member[\"v\"]").ends_with("; then 4 votes, quorum 3"));
    const auto place = [&](const std::string& address) {
        for (std::size_t i = 0; i < shrink.steps.size(); ++i)
            if (shrink.steps[i].address == address) return i;
        return std::size_t{99};
    };
    // the machines go last
    CHECK(place("store") < place("vm[\"v\"]"));
    CHECK(place("member[\"v\"]") < place("vm[\"v\"]"));
}

TEST_CASE("growth: a step that takes something away comes after the changes of dependents") {
    const auto spec = [](int copies, const char* value) {
        return "name: t\nresources:\n  vm: {type: fake.vm, name: x}\n"
               "  store: {type: fake.shared, name: s, size: " +
               std::to_string(copies) +
               ", peers: {x: \"${vm.connection}\"}}\n"
               "  user: {type: fake.thing, name: u, value: " +
               value + ", depends_on: [store]}\n";
    };
    CHECK(steps_and_turns(plan_of(spec(5, "b"), applied(spec(3, "a")))) == "store; user; ");
    CHECK(steps_and_turns(plan_of(spec(3, "b"), applied(spec(5, "a")))) == "user; store; ");
}

TEST_CASE("growth: the last machines of a quorum, and copies that are needed, are not removed") {
    const std::string five = cluster("v, w, x, y, z", 5);
    const auto refused = [&](std::initializer_list<const char*> lost) {
        PriorState prior = applied(five);
        for (const char* key : lost) {
            prior.observed[fmt::format("vm[\"{}\"]", key)] =
                Observation::present(Value::map({{"running", false}}));
            prior.observed.erase(fmt::format("member[\"{}\"]", key));
        }
        try {
            plan_of(kThree, prior);
            return std::string();
        } catch (const Error& error) {
            return error.all().front().address + ": " + error.all().front().message;
        }
    };
    CHECK(refused({}) == "");
    CHECK(refused({"v", "w"}) == ""); // those that leave
    CHECK(refused({"x"}) ==
          "store: it would have fewer copies while vm[\"x\"], which has one of them, does not run");
}
