// Replacements that are only necessary if the resource differs when all values are known.
#include "engine/executor.h"

#include "planner/plan/decide.h"
#include "planner/plan/generations.h"
#include "planner/plan/lifecycle.h"
#include "planner/plan/observed.h"
#include "planner/plan/prior_state.h"
#include "planner/spec/address.h"
#include "provider_api/lifecycle_keys.h"

#include <algorithm>

namespace hadeploy {

/// Whether the removal in the first half of a replacement is needed; nullopt while this depends on
/// a base that is kept and still to be changed in place.
std::optional<bool> Executor::removal_needed(StepId half) {
    Work& work = work_[half];
    if (work.removal_needed) return work.removal_needed;
    if (!plan_.steps[half].if_differs) return work.removal_needed = true;
    const StepId second = step_of_.at(plan_.steps[half].address);
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
std::vector<StepId> Executor::halves_of_dependencies(StepId half) const {
    const Node& node = (*graph_)[*plan_.steps[step_of_.at(plan_.steps[half].address)].node];
    std::vector<StepId> out;
    std::vector<NodeId> open = node.deps;
    std::set<NodeId> visited;
    while (!open.empty()) {
        const NodeId at = open.back();
        open.pop_back();
        const Node& below = (*graph_)[at];
        if (!visited.insert(at).second || is_serial_pair(below, node)) continue;
        if (const auto it = half_of_.find(below.address); it != half_of_.end())
            out.push_back(it->second);
        else
            open.insert(open.end(), below.deps.begin(), below.deps.end());
    }
    return out;
}

/// Makes the first half wait until kept dependencies are changed in place, as only then it is known
/// whether the resource differs.
/// @return false when there is nothing to wait for
bool Executor::wait_for_base(StepId half) {
    for (const StepId below :
         halves_of_dependencies(half)) // otherwise they would wait for this one
        if (removal_needed(below) == false && work_[below].state == State::waiting)
            finish(below, StepResult::unchanged);
    work_[half].state = State::waiting;
    for (const StepId before : plan_.steps[step_of_.at(plan_.steps[half].address)].after_steps) {
        if (is_finished(before) || waits_for(before, half)) continue;
        work_[before].dependents.push_back(half);
        ++work_[half].waiting_for;
    }
    return work_[half].waiting_for > 0;
}

bool Executor::is_finished(StepId id) const {
    const State state = work_[id].state;
    return state == State::done || state == State::failed || state == State::skipped;
}

/// Whether a step waits, directly or indirectly, for the other one.
bool Executor::waits_for(StepId id, StepId other) const {
    std::vector<StepId> open{id};
    std::set<StepId> visited;
    while (!open.empty()) {
        const StepId at = open.back();
        open.pop_back();
        if (at == other) return true;
        if (is_finished(at) || !visited.insert(at).second) continue;
        const std::vector<StepId>& before = plan_.steps[at].after_steps;
        open.insert(open.end(), before.begin(), before.end());
    }
    return false;
}

/// Rejects the replacement of a protected resource that was planned only in case it differs.
void Executor::reject_protected(StepId id) const {
    const Step& step = plan_.steps[id];
    if (step.after.flag(kPreventDestroy))
        throw protected_error(step.address, "would be replaced: " + step.reason, step.loc);
}

/// Whether a step removes an old generation whose replacement was unnecessary, so that it is kept.
bool Executor::is_kept_generation(StepId id) const {
    const Step& step = plan_.steps[id];
    if (!step.if_differs || step.first_half || step.action != Action::remove) return false;
    const auto other = step_of_.find(resource_address(step.address));
    return other != step_of_.end() && work_[other->second].is_kept;
}

/// The address of a change in the journal: an object that is created before the removal of the old
/// one is journalled at the address of its generation.
std::string Executor::journal_address(StepId id) const {
    const Step& step = plan_.steps[id];
    return makes_first(id) ? generation_address(step.address, step.generation) : step.address;
}

/// Whether a replacement planned because of unknown values is needed; nullopt while unknown.
std::optional<bool> Executor::differs_now(StepId id) {
    const Step& step = plan_.steps[id];
    for (const NodeId t : (*graph_)[*step.node].triggers) {
        const auto it = step_of_.find((*graph_)[t].address);
        if (it == step_of_.end()) continue;
        const StepResult result = result_.steps[it->second].result;
        if (result == StepResult::done || result == StepResult::changed ||
            work_[it->second].dependents_released)
            return true;
    }
    Diagnostics diagnostics;
    const Value config = graph_->config(
        *step.node, [this](NodeId n) { return values_[n]; }, diagnostics);
    if (!diagnostics.empty()) throw diagnostics.list().front();
    const RecordedResource& recorded = prior_state_.recorded.at(step.address);
    const std::optional<Observation> seen =
        observation_of(prior_state_, endpoints_.registry(),
                       {step.address, step.type, config, &recorded, recorded.identity});
    if (!seen) return true;
    const Value wanted = with_lifecycle((*graph_)[*step.node], config, &recorded, &*seen);
    const Decision d =
        decide(*step.type, wanted, &recorded, interruption_of(prior_state_, step.address), *seen);
    if (d.action == Action::replace && d.if_differs) return std::nullopt;
    return d.action == Action::replace;
}

/// Whether a replacement is needed, now that all values are known.
bool Executor::is_needed(StepId id) {
    const Step& step = plan_.steps[id];
    const auto half = half_of_.find(step.address);
    if (half != half_of_.end()) return removal_needed(half->second).value_or(false);
    return !step.if_differs || differs_now(id).value_or(false);
}

} // namespace hadeploy
