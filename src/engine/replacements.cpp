#include "engine/replacements.h"

#include "planner/plan/decide.h"
#include "planner/plan/lifecycle.h"
#include "planner/plan/observed.h"
#include "planner/spec/address.h"
#include "provider_api/lifecycle_keys.h"

#include <set>

namespace hadeploy {

std::optional<bool> Replacements::removal_needed(StepId half) {
    StepWork& work = run_.work[half];
    if (work.removal_needed) return work.removal_needed;
    if (!run_.plan.steps[half].if_differs) return work.removal_needed = true;
    const StepId second = run_.step_of.at(run_.plan.steps[half].address);
    std::optional<bool> differs = false;
    for (const StepId below :
         halves_of_dependencies(half)) { // a removed base requires the removal of its dependents
        const std::optional<bool> base = removal_needed(below);
        if (base == true) differs = true;
        if (!base && differs == false) differs = std::nullopt;
    }
    if (differs == false) differs = differs_now(second);
    if (differs == true) reject_protected(second);
    return work.removal_needed = differs;
}

/// The first halves of the nearest replacements on which this one depends.
std::vector<StepId> Replacements::halves_of_dependencies(StepId half) const {
    const Node& node =
        (*run_.graph)[*run_.plan.steps[run_.step_of.at(run_.plan.steps[half].address)].node];
    std::vector<StepId> out;
    std::vector<NodeId> open = node.deps;
    std::set<NodeId> visited;
    while (!open.empty()) {
        const NodeId at = open.back();
        open.pop_back();
        const Node& below = (*run_.graph)[at];
        if (!visited.insert(at).second || is_serial_pair(below, node)) continue;
        if (const auto it = run_.half_of.find(below.address); it != run_.half_of.end())
            out.push_back(it->second);
        else
            open.insert(open.end(), below.deps.begin(), below.deps.end());
    }
    return out;
}

bool Replacements::wait_for_base(StepId half) {
    for (const StepId below :
         halves_of_dependencies(half)) // otherwise they would wait for this one
        if (removal_needed(below) == false && run_.work[below].state == StepState::waiting)
            outcomes_.finish(below, StepResult::unchanged);
    run_.work[half].state = StepState::waiting;
    for (const StepId before :
         run_.plan.steps[run_.step_of.at(run_.plan.steps[half].address)].after_steps) {
        if (run_.is_finished(before) || waits_for(before, half)) continue;
        run_.work[before].dependents.push_back(half);
        ++run_.work[half].waiting_for;
    }
    return run_.work[half].waiting_for > 0;
}

/// Whether one step waits, directly or indirectly, for the other.
bool Replacements::waits_for(StepId id, StepId other) const {
    std::vector<StepId> open{id};
    std::set<StepId> visited;
    while (!open.empty()) {
        const StepId at = open.back();
        open.pop_back();
        if (at == other) return true;
        if (run_.is_finished(at) || !visited.insert(at).second) continue;
        const std::vector<StepId>& before = run_.plan.steps[at].after_steps;
        open.insert(open.end(), before.begin(), before.end());
    }
    return false;
}

void Replacements::reject_protected(StepId id) const {
    const Step& step = run_.plan.steps[id];
    if (step.after.flag(kPreventDestroy))
        throw protected_error(step.address, "would be replaced: " + step.reason, step.loc);
}

bool Replacements::is_kept_generation(StepId id) const {
    const Step& step = run_.plan.steps[id];
    if (!step.if_differs || step.first_half || step.action != Action::remove) return false;
    const auto other = run_.step_of.find(resource_address(step.address));
    return other != run_.step_of.end() && run_.work[other->second].is_kept;
}

/// Whether a replacement that was planned because of unknown values is needed; nullopt while this
/// is unknown.
std::optional<bool> Replacements::differs_now(StepId id) {
    const Step& step = run_.plan.steps[id];
    for (const NodeId t : (*run_.graph)[*step.node].triggers) {
        const auto it = run_.step_of.find((*run_.graph)[t].address);
        if (it == run_.step_of.end()) continue;
        const StepResult result = run_.result.steps[it->second].result;
        if (result == StepResult::done || result == StepResult::changed ||
            run_.work[it->second].dependents_released)
            return true;
    }
    Diagnostics diagnostics;
    const Value config = run_.graph->config(*step.node, run_.current_values(), diagnostics);
    if (!diagnostics.empty()) throw diagnostics.list().front();
    const RecordedResource& recorded = run_.prior.recorded.at(step.address);
    const std::optional<Observation> seen =
        observation_of(run_.prior, run_.endpoints.registry(),
                       {step.address, step.type, config, &recorded, recorded.identity});
    if (!seen) return true;
    const Value wanted = with_lifecycle((*run_.graph)[*step.node], config, &recorded, &*seen);
    const Decision d =
        decide(*step.type, wanted, &recorded, interruption_of(run_.prior, step.address), *seen);
    if (d.action == Action::replace && d.if_differs) return std::nullopt;
    return d.action == Action::replace;
}

bool Replacements::is_needed(StepId id) {
    const Step& step = run_.plan.steps[id];
    const auto half = run_.half_of.find(step.address);
    if (half != run_.half_of.end()) return removal_needed(half->second).value_or(false);
    return !step.if_differs || differs_now(id).value_or(false);
}

} // namespace hadeploy
