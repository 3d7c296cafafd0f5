#pragma once

#include "planner/plan/make_plan.h"
#include "planner/plan/moves.h"
#include "planner/plan/plan.h"
#include "planner/plan/prior_state.h"
#include "planner/plan/reads.h"
#include "planner/spec/load_spec.h"
#include "planner/spec/variables.h"
#include "support/fake_world.h"

#include <filesystem>
#include <fmt/format.h>
#include <memory>
#include <string>
#include <vector>

namespace hadeploy {

/// `fake.door`: a thing whose value is changed in place and must be unique.
class Door : public fake::Thing {
  public:
    Door() { name = "fake.door"; }
    std::vector<std::string> claims(const Value& config) const override {
        std::vector<std::string> out = fake::Thing::claims(config);
        if (!out.empty() && config["value"].is_string())
            out.push_back("port " + config.text("value"));
        return out;
    }
};

inline std::string resources(const std::string& lines) {
    return "name: t\nresources:\n" + lines;
}

/// Plans like the command, including the moves that follow from claims.
struct Planning {
    explicit Planning(const std::string& text) {
        fake::add_to(registry, things);
        registry.add(std::make_unique<Door>());
        load_spec(
            "hadeploy.yaml", [&](const std::filesystem::path&) { return text; }, spec);
        graph = std::make_unique<Graph>(spec, registry, resolve_variables(spec, {}));
        for (const auto& provider : registry.providers()) settings[provider->name] = Value::map({});
    }

    Plan plan(PriorState& prior) {
        prior = with_moves(std::move(prior), spec.moved);
        const Evaluation evaluation = evaluate_and_move(*graph, prior, settings);
        for (const Node& n : graph->nodes())
            if (!prior.observed.contains(n.address))
                prior.observed[n.address] = Observation::absent();
        return make_plan(*graph, prior, settings, {}, &evaluation);
    }

    /// The prior state after everything was created.
    PriorState made() {
        PriorState prior{.lineage = "00000000-0000-4000-8000-000000000000"};
        const Plan first = plan(prior);
        for (const Step& s : first.steps) {
            Value seen = first.values[*s.node];
            for (const Attribute& a : s.type->schema)
                if (seen[a.name].is_unknown()) seen = seen.with(a.name, "token-of-" + s.address);
            std::vector<std::string> deps;
            for (const NodeId d : (*graph)[*s.node].deps) deps.push_back((*graph)[d].address);
            prior.recorded[s.address] = {s.address, s.type->name, 1,   s.identity,
                                         s.after,   seen,         deps};
            prior.observed[s.address] = Observation::present(seen);
        }
        return prior;
    }

    fake::World things;
    Registry registry;
    Spec spec;
    std::unique_ptr<Graph> graph;
    ProviderSettings settings;
};

/// The plan from a prior state to a spec as "a -> b; remove old c; replace c; ", or its errors.
inline std::string plan_text(PriorState prior, const std::string& spec) {
    std::string out;
    try {
        Planning planning(resources(spec));
        const Plan plan = planning.plan(prior);
        for (const auto& [from, to] : plan.moves) out += from + " -> " + to + "; ";
        for (const Step& s : plan.steps)
            out += fmt::format("{}{} {}; ", action_name(s.action), s.first_half ? " old" : "",
                               s.address);
        for (const std::string& n : plan.notices) out += "note: " + n + "; ";
    } catch (const Error& errors) {
        for (const Error& e : errors.all()) {
            out += e.message + " (" + e.hint + "); ";
            for (const Note& n : e.notes) out += n.text + "; ";
        }
    }
    return out;
}

/// The plan from one spec to another.
inline std::string change(const std::string& before, const std::string& after) {
    return plan_text(Planning(resources(before)).made(), after);
}

} // namespace hadeploy
