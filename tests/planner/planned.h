#pragma once

#include "planner/plan/make_plan.h"
#include "planner/plan/plan.h"
#include "planner/plan/prior_state.h"
#include "support/project.h"

#include <fmt/format.h>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace hadeploy {

/// The prior state after everything in the spec was created: recorded and unchanged.
inline PriorState made(const TestSpec& t) {
    PriorState prior{.lineage = "00000000-0000-4000-8000-000000000000"};
    for (const Node& n : t.graph->nodes()) prior.observed[n.address] = Observation::absent();
    const Plan plan = make_plan(*t.graph, prior, t.settings);
    for (const Step& s : plan.steps) {
        Value seen = s.after;
        for (const Attribute& a : s.type->schema)
            if (seen[a.name].is_unknown()) seen = seen.with(a.name, "made");
        std::vector<std::string> deps;
        for (const NodeId d : (*t.graph)[*s.node].deps) deps.push_back((*t.graph)[d].address);
        Value config = s.after;
        make_machines_known(s, config, seen);
        prior.recorded[s.address] = {s.address, s.type->name, 1, s.identity, config, seen, deps};
        prior.observed[s.address] = Observation::present(seen);
    }
    return prior;
}

inline PriorState made(const std::string& text) {
    return made(TestSpec(text.c_str()));
}

/// The steps of the plan for a spec and a prior state, or the errors.
inline std::string planned(const std::string& text, const PriorState& prior) {
    try {
        const TestSpec t(text.c_str());
        std::string out;
        for (const Step& s : make_plan(*t.graph, prior, t.settings).steps) {
            if (s.first_half) continue;
            out += fmt::format("{} {}", action_name(s.action), s.address);
            out += s.reason.empty() ? "; " : " (" + s.reason + "); ";
        }
        return out;
    } catch (const Error& errors) {
        std::string out;
        for (const Error& e : errors.all()) out += e.message + "; ";
        return out;
    }
}

} // namespace hadeploy
