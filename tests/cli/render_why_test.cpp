#include "cli/render/why_text.h"
#include "golden.h"
#include "planner/plan/make_plan.h"
#include "planner/plan/moves.h"
#include "planner/plan/prior_state.h"
#include "planner/plan/reads.h"
#include "planner/plan/refresh_plan.h"
#include "planner/plan/removal.h"
#include "support/project.h"

using namespace hadeploy;
using namespace hadeploy::cli;
using namespace hadeploy::test;

namespace {

/// The output of `why` for every step of a plan, and for the given addresses.
std::string all_of(const TestSpec& t, const PriorState& prior, const Plan& plan,
                   const std::vector<std::string>& more = {}) {
    std::vector<std::string> addresses = more;
    for (const Step& s : plan.steps)
        if (!s.first_half) addresses.push_back(s.address);
    std::string out;
    for (const std::string& address : addresses) {
        const std::vector<Why> chain = explain(address, plan, *t.graph, prior);
        out += render_why(chain, plan, t.spec.sources, {}) + "\n";
        for (const Why& why : chain) // the same as JSON
            CHECK(why_json(why, plan, t.spec.sources)["address"] == why.address);
    }
    return out;
}

constexpr const char* kBefore = R"(name: t
resources:
  m: {type: fake.machine, name: m}
  on_m: {type: fake.thing, name: on_m, host: "${m.connection}"}
  keep: {type: fake.thing, name: keep, value: one}
  drift: {type: fake.thing, name: drift, value: one}
  size: {type: fake.thing, name: size}
  worn: {type: fake.thing, name: worn}
  first: {type: fake.thing, name: first1, lifecycle: {create_before_destroy: true}}
  gone: {type: fake.thing, name: gone}
  lost: {type: fake.thing, name: lost}
  old: {type: fake.thing, name: old}
  calm: {type: fake.thing, name: calm}
)";

constexpr const char* kAfter = R"(name: t
import: [{to: theirs, id: mark}]
removed: [old]
data: {look: {type: fake.look, name: "${size.token}"}}
resources:
  m: {type: fake.machine, name: m}
  on_m: {type: fake.thing, name: on_m, host: "${m.connection}"}
  keep: {type: fake.thing, name: keep, value: two}
  drift: {type: fake.thing, name: drift, value: one}
  size: {type: fake.thing, name: size, size: 2}
  worn: {type: fake.thing, name: worn}
  first: {type: fake.thing, name: first2, lifecycle: {create_before_destroy: true}}
  fresh: {type: fake.thing, name: fresh, value: "${data.look.value}"}
  pulled: {type: fake.thing, name: pulled, lifecycle: {replace_triggered_by: [size]}}
  found: {type: fake.adoptable, name: found}
  theirs: {type: fake.thing, name: theirs}
  calm: {type: fake.thing, name: calm, value: "${null}"}
)";

} // namespace

TEST_CASE("why: every action is explained by a line and a change") {
    PriorState prior = drifted(as_applied(kBefore), "m", "running", false);
    prior = drifted(std::move(prior), "drift", "value", "other");
    prior = drifted(std::move(prior), "drift", "shout", "other!");
    prior.observed.erase("on_m");
    prior.observed["lost"] = prior.observed["fresh"] = Observation::absent();
    prior.observed["found"] = Observation::present(Value::map({{"name", "found"}, {"size", 1}}));
    prior.observed["theirs"] = Observation::present(Value::map({{"name", "theirs"}, {"size", 1}}));
    prior.recorded["worn"].tainted = true;
    const PriorState with_pulled =
        as_applied("name: t\nresources: {pulled: {type: fake.thing, name: "
                   "pulled}}\n");
    prior.recorded["pulled"] = with_pulled.recorded.at("pulled");
    prior.observed["pulled"] = with_pulled.observed.at("pulled");

    const TestSpec t(kAfter);
    const Plan plan = make_plan(*t.graph, prior, t.settings);
    const std::string text = all_of(t, prior, plan, {"calm"});

    const TestSpec before(kBefore);
    PriorState seen = drifted(as_applied(kBefore), "keep", "value", "other");
    seen.observed["lost"] = Observation::absent();
    const Plan refresh = make_refresh_plan(*before.graph, seen, {.refresh_only = true});
    const PriorState all = as_applied(kBefore);
    const Plan destroy = make_destroy_plan(all, before.registry, {.destroy = true});
    check_golden("tests/cli/golden/why.txt",
                 "== plan\n" + text + "== plan --refresh-only\n" + all_of(before, seen, refresh) +
                     "== plan --destroy\n" + all_of(before, all, destroy));
}
