#include "core/value_json.h"
#include "engine/lab.h"
#include "planner/plan/make_plan.h"
#include "planner/plan/prior_state.h"
#include "support/random_spec.h"

#include <algorithm>
#include <doctest/doctest.h>
#include <random>

using namespace hadeploy;

namespace {

constexpr unsigned kPlans = 60; ///< rounds that only plan
constexpr unsigned kRuns = 6;   ///< rounds that apply, which are slow because of syncs

Lab::Run applied(Lab& lab, const std::string& text) {
    try {
        return lab.apply(text);
    } catch (const Error& errors) {
        FAIL(errors.message << " at line " << errors.loc.line);
    }
    return {};
}

void all_is_as_wished(Lab& lab, const std::string& text) {
    const auto next = applied(lab, text);
    CHECK(next.plan == "");
    CHECK(lab.intents.empty());
    const auto notes =
        std::count_if(lab.rows.begin(), lab.rows.end(),
                      [](const RecordedResource& r) { return r.type == "fake.note"; });
    CHECK(lab.rows.size() == lab.world.objects.size() + static_cast<std::size_t>(notes));
}

/// Removes or changes random objects.
void drift(fake::World& world, std::mt19937& random) {
    for (auto it = world.objects.begin(); it != world.objects.end();) {
        const bool machine = it->second.has("running");
        switch (random() % 6) {
        case 0:
            if (machine) break;
            world.owners.erase(it->first);
            it = world.objects.erase(it);
            continue;
        case 1:
            if (!machine)
                it->second = it->second.with("value", "drifted").with("shout", "drifted!");
            break;
        case 2:
            if (machine) it->second = it->second.with("running", false);
            break;
        default: break;
        }
        ++it;
    }
}

/// The full contents of a plan, independent of the order of the spec.
std::string whole(const TestSpec& t) {
    PriorState prior{.lineage = "00000000-0000-4000-8000-000000000000"};
    for (const Node& n : t.graph->nodes()) prior.observed[n.address] = Observation::absent();
    std::string out;
    for (const Step& s : make_plan(*t.graph, prior, t.settings).steps) {
        out += fmt::format("{} {} {} {}\n", action_name(s.action), s.address, s.identity,
                           to_json(s.after));
        for (const StepId before : s.after_steps) out += fmt::format("  after {}\n", before);
    }
    for (const NodeId id : t.graph->order()) out += (*t.graph)[id].address + " ";
    return out;
}

} // namespace

TEST_CASE("the expansion and the plan do not depend on the order of the spec") {
    for (unsigned seed = first_seed(); seed < first_seed() + kPlans; ++seed) {
        CAPTURE(seed);
        std::mt19937 random(seed);
        RandomSpec spec(seed, 0);
        std::string first;
        for (int order = 0; order < 4; ++order) {
            const std::string text = spec.text(order == 0 ? nullptr : &random);
            const std::string all =
                whole(TestSpec({{"hadeploy.yaml", text}, {"m/module.yaml", RandomSpec::kModule}}));
            if (order == 0) first = all;
            const bool same = all == first;
            CHECK_MESSAGE(same, "HADEPLOY_SEED=", seed, "\n", text);
        }
    }
}

TEST_CASE("an applied spec needs no changes, and drift is repaired") {
    for (unsigned seed = first_seed(); seed < first_seed() + kRuns; ++seed) {
        CAPTURE(seed);
        std::mt19937 random(seed);
        Lab lab;
        lab.modules["m/module.yaml"] = RandomSpec::kModule;
        const std::string text = RandomSpec(seed, 0).text();
        CAPTURE(text);
        REQUIRE(applied(lab, text).result.ok());
        all_is_as_wished(lab, text);
        const auto made = lab.world.objects;
        for (int round = 0; round < 2; ++round) {
            drift(lab.world, random);
            CHECK(applied(lab, text).result.ok());
            const bool repaired = lab.world.objects == made;
            CHECK(repaired);
            all_is_as_wished(lab, text);
        }
    }
}

TEST_CASE("apply changes any version of a spec to any other, and destroy removes all") {
    for (unsigned seed = first_seed(); seed < first_seed() + kRuns; ++seed) {
        CAPTURE(seed);
        std::mt19937 random(seed);
        Lab lab, fresh;
        lab.modules["m/module.yaml"] = fresh.modules["m/module.yaml"] = RandomSpec::kModule;
        std::string text;
        for (unsigned version = 0; version < 3; ++version) {
            text = RandomSpec(seed, version).text();
            CAPTURE(version);
            CAPTURE(text);
            REQUIRE(applied(lab, text).result.ok());
            all_is_as_wished(lab, text);
        }
        REQUIRE(applied(fresh, text).result.ok());
        const bool same =
            lab.world.objects == fresh.world.objects; // regardless of the previous version
        CHECK(same);
        CHECK(lab.apply(text, true).result.ok());
        CHECK(lab.rows.empty());
        CHECK(lab.intents.empty());
    }
}
