#include "planner/plan/shared_things.h"

#include "planner/plan/prior_state.h"

#include <algorithm>

namespace hadeploy {

void SharedThings::add(NodeId id, const Value& config) {
    for (std::string& name : graph_[id].type->shares(config))
        wanted_by_[std::move(name)].push_back(id);
}

void SharedThings::leave_to_others(Plan& plan, const PriorState& prior) const {
    if (wanted_by_.empty()) return;
    for (Step& step : plan.steps) {
        const auto r = prior.recorded.find(step.address);
        if (r != prior.recorded.end() && r->second.type == step.type->name)
            leave(step, r->second, plan);
    }
}

void SharedThings::leave(Step& step, const RecordedResource& recorded, const Plan& plan) const {
    std::vector<std::string> kept;
    if (!step.after.is_null() && step.action != Action::replace)
        kept = step.type->shares(step.after);
    for (const std::string& name : step.type->shares(recorded.config)) {
        const auto others = wanted_by_.find(name);
        if (others == wanted_by_.end() || std::find(kept.begin(), kept.end(), name) != kept.end())
            continue;
        const auto other =
            std::find_if(others->second.begin(), others->second.end(),
                         [&](NodeId id) { return graph_[id].address != step.address; });
        if (other != others->second.end()) step.left_to[name] = identity_after(*other, plan);
    }
}

/// The identity of the object after the plan.
std::string SharedThings::identity_after(NodeId id, const Plan& plan) const {
    const auto step = std::find_if(plan.steps.begin(), plan.steps.end(),
                                   [&](const Step& s) { return s.node == id; });
    if (step != plan.steps.end()) return step->identity;
    return records_[id] != nullptr ? records_[id]->identity : "";
}

} // namespace hadeploy
