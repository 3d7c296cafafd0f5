#include "engine/step_decisions.h"

#include "core/clock.h"
#include "core/secrecy.h"
#include "planner/graph/computed.h"
#include "planner/plan/decide.h"
#include "planner/plan/elsewhere.h"
#include "planner/plan/generations.h"
#include "planner/plan/lifecycle.h"
#include "planner/plan/observed.h"
#include "planner/spec/address.h"

#include <algorithm>
#include <fmt/format.h>
#include <utility>

namespace hadeploy {

void StepDecisions::settle_ready() {
    while (!run_.ready.empty()) {
        while (!run_.ready.empty()) {
            const StepId id = run_.ready.front();
            run_.ready.pop_front();
            if (run_.work[id].state != StepState::waiting &&
                run_.work[id].state != StepState::ready)
                continue;
            run_.work[id].state = StepState::ready;
            try {
                consider(id);
            } catch (Error& error) {
                outcomes_.fail(id, std::move(error));
            }
        }
        write_settled();
    }
}

void StepDecisions::write_settled() {
    const std::vector<Settled> all = std::exchange(settled_, {});
    std::vector<RecordedResource> rows;
    std::vector<std::string> forgotten;
    for (const Settled& s : all) {
        if (s.row)
            rows.push_back(*s.row);
        else
            forgotten.push_back(run_.plan.steps[s.step].address);
    }
    try {
        run_.store.put(rows, forgotten);
    } catch (Error& error) {
        for (const Settled& s : all) outcomes_.fail(s.step, error);
        return;
    }
    for (const Settled& s : all) outcomes_.finish(s.step, s.result);
}

/// Settles a ready step immediately, or queues it at its endpoint.
void StepDecisions::consider(StepId id) {
    const Step& step = run_.plan.steps[id];
    StepWork& work = run_.work[id];
    if (run_.result.steps[id].started_ms == 0) run_.result.steps[id].started_ms = now_ms();
    if (step.action == Action::forget)
        return settled_.push_back({id, step.keeps ? StepResult::kept : StepResult::forgotten, {}});
    if (step.action == Action::refresh) {
        RecordedResource seen = run_.prior.recorded.at(step.address);
        seen.attributes = step.after;
        return settled_.push_back({id, StepResult::refreshed, seen});
    }
    // only now may it be known whether the replacement is needed
    if (step.first_half && step.if_differs) {
        const std::optional<bool> needed = replacements_.removal_needed(id);
        if (!needed && replacements_.wait_for_base(id)) return;
        if (needed != true) return outcomes_.finish(id, StepResult::unchanged);
    }
    if (replacements_.is_kept_generation(id)) return outcomes_.finish(id, StepResult::unchanged);
    if (!prepare(id)) return; // failed
    if (step.read_first && !work.observed) return queues_.enqueue(id, true);
    if (step.read_first && work.observed->state == Observation::State::blocked &&
        !work.read_fresh) {
        work.observed.reset();
        return queues_.enqueue(id, true); // its dependency has been repaired since
    }
    decide_step(id);
}

/// Evaluates the config with the values now known and chooses the endpoint.
bool StepDecisions::prepare(StepId id) {
    const Step& step = run_.plan.steps[id];
    StepWork& work = run_.work[id];
    if (step.node) {
        Diagnostics diagnostics;
        const Graph::Values values = run_.current_values();
        run_.graph->check_inputs_of(*step.node, values, diagnostics);
        work.config = run_.graph->config(*step.node, values, diagnostics);
        if (!diagnostics.empty()) return outcomes_.fail(id, diagnostics.list().front()), false;
        reject_owned_name(id);
    } else {
        work.config = run_.prior.recorded.at(step.address).config;
    }
    work.endpoint = queues_.choose_endpoint(id, work.config);
    if (work.endpoint) return true;
    return outcomes_.fail(id, Error(ErrorKind::unreachable,
                                    "none of the machines through which it can be reached is up")
                                  .with_hint("apply again when one of them is up")),
           false;
}

/// Rejects the name of an object that another resource manages, if the name is known only now.
void StepDecisions::reject_owned_name(StepId id) {
    const Step& step = run_.plan.steps[id];
    if (!step.after.contains_unknown() || !step.type->claims(step.after).empty()) return;
    refuse_elsewhere(run_.prior.elsewhere, run_.endpoints.registry(), *step.type,
                     run_.work[id].config);
    for (const std::string& claim : step.type->claims(run_.work[id].config))
        for (const auto& [address, r] : run_.prior.recorded) {
            const ResourceType* type = run_.endpoints.registry().type(r.type);
            if (resource_address(address) == step.address || type == nullptr) continue;
            const std::vector<std::string> held = type->claims(r.config);
            if (std::find(held.begin(), held.end(), claim) == held.end()) continue;
            throw Error(ErrorKind::conflict,
                        fmt::format("it needs {}, which {} still holds",
                                    without_secrets(claim, run_.work[id].config), address))
                .with_hint("this was not known when the plan was made; run plan again");
        }
    reject_name_of_this_run(id);
}

/// Rejects a name that another step of this run has, if the name is known only now.
void StepDecisions::reject_name_of_this_run(StepId id) {
    if (!claimed_) {
        claimed_.emplace();
        for (StepId other = 0; other < run_.plan.steps.size(); ++other)
            if (const Step& s = run_.plan.steps[other]; s.node)
                for (std::string& claim : s.type->claims(s.after))
                    claimed_->emplace(std::move(claim), other);
    }
    for (const std::string& claim : run_.plan.steps[id].type->claims(run_.work[id].config)) {
        const auto [it, fresh] = claimed_->emplace(claim, id);
        if (fresh || it->second == id) continue;
        throw Error(ErrorKind::conflict, fmt::format("it needs {}, which {} manages",
                                                     without_secrets(claim, run_.work[id].config),
                                                     run_.plan.steps[it->second].address))
            .with_hint("this was not known when the plan was made; change one of them, or remove "
                       "it");
    }
}

/// Decides on a step whose resource has been read, now or when the plan was made.
void StepDecisions::decide_step(StepId id) {
    const Step& step = run_.plan.steps[id];
    StepWork& work = run_.work[id];
    const auto it = run_.prior.recorded.find(step.address);
    const RecordedResource* recorded = it == run_.prior.recorded.end() ? nullptr : &it->second;
    if (!work.observed && !step.read_first)
        work.observed =
            observation_of(run_.prior, run_.endpoints.registry(),
                           {step.address, step.type, work.config, recorded, step.identity});
    if (!work.observed) work.observed = Observation::absent();
    const Observation& observed = *work.observed;
    if (observed.state == Observation::State::blocked)
        throw observed.error.value_or(Error(ErrorKind::failed, "cannot be read"));
    if (step.type->data) return outcomes_.finish_data(id, observed);
    if (step.action == Action::remove) return decide_removal(id);
    if (step.node)
        work.config = with_lifecycle((*run_.graph)[*step.node], work.config, recorded, &observed);
    if (step.action == Action::replace) {
        work.is_kept = !replacements_.is_needed(id);
        if (!work.is_kept && step.if_differs) replacements_.reject_protected(id);
        if (!work.is_kept)
            work.config = with_lifecycle_of_new((*run_.graph)[*step.node], work.config);
        work.kind = Change::Kind::create;
        if (!work.is_kept) return queues_.enqueue(id, false);
    }
    if (step.action == Action::create && !step.read_first) { // the observation for the plan
        work.kind = Change::Kind::create;
        return queues_.enqueue(id, false);
    }
    // the recorded object was on a machine that is recreated
    const bool fresh_machine = step.action == Action::create && recorded != nullptr;
    const Decision d = decide(*step.type, work.config, fresh_machine ? nullptr : recorded,
                              interruption_of(run_.prior, step.address), observed);
    if (!d.action || d.action == Action::adopt) {
        const Value attributes = complete(*step.type, work.config, observed.attributes);
        if (step.node) run_.values[*step.node] = with_machine(*step.type, step.address, attributes);
        return settled_.push_back({id, d.action ? StepResult::adopted : StepResult::unchanged,
                                   outcomes_.row_of(id, work.config, attributes)});
    }
    if (d.action == Action::replace)
        throw Error(ErrorKind::failed, "it needs to be replaced: " + d.reason)
            .with_hint("the plan does not contain this; run plan again");
    work.kind = d.action == Action::update ? Change::Kind::update : Change::Kind::create;
    if (step.node && work.kind == Change::Kind::create)
        work.config = with_lifecycle_of_new((*run_.graph)[*step.node], work.config);
    // as in a plan, so that an object that is gone is not confused with its successor
    if (step.action == Action::read && work.kind == Change::Kind::create &&
        observed.state == Observation::State::absent &&
        !run_.prior.unfinished.contains(step.address) && !run_.state_only(id))
        work.next_generation =
            NewGenerations(run_.prior).next(step.address, recorded->generation + 1);
    work.changed.clear();
    for (const AttributeChange& c : d.changes) work.changed.push_back(c.name);
    queues_.enqueue(id, false);
}

void StepDecisions::decide_removal(StepId id) {
    StepWork& work = run_.work[id];
    const Observation& observed = *work.observed;
    if (observed.state == Observation::State::failed) throw *observed.error;
    if (observed.state == Observation::State::absent || !observed.foreign.empty())
        return settled_.push_back({id, StepResult::forgotten, {}});
    reject_lost_contents(id);
    work.kind = Change::Kind::remove;
    queues_.enqueue(id, false);
}

/// Rejects a removal that would delete an object whose name was not known when the plan was made.
void StepDecisions::reject_lost_contents(StepId id) const {
    const Step& step = run_.plan.steps[id];
    const std::string prefix = step.type->takes_along(step.before);
    if (prefix.empty()) return;
    for (StepId other = 0; other < run_.plan.steps.size(); ++other) {
        const Step& s = run_.plan.steps[other];
        if (!s.node || !s.after.contains_unknown() || run_.work[other].state != StepState::done ||
            !s.type->claims(s.after).empty())
            continue;
        for (const std::string& claim : s.type->claims(run_.work[other].config))
            if (claim.starts_with(prefix))
                throw Error(ErrorKind::conflict,
                            fmt::format("the removal would also delete {}, which is in it ({})",
                                        s.address, without_secrets(claim, run_.work[other].config)))
                    .with_hint("this was not known when the plan was made; run plan again");
    }
}

} // namespace hadeploy
