#include "engine/step_outcomes.h"

#include "core/clock.h"
#include "core/log.h"
#include "planner/graph/computed.h"
#include "planner/graph/hide_secrets.h"
#include "planner/plan/decide.h"
#include "planner/plan/generations.h"
#include "provider_api/units.h"

#include <algorithm>
#include <fmt/format.h>
#include <random>

namespace hadeploy {

namespace {
std::chrono::milliseconds pause_before(int attempt, const Retries& retries) {
    auto longest = std::min(retries.first, retries.longest);
    for (int i = 1; i < attempt && longest < retries.longest; ++i)
        longest = std::min(2 * longest, retries.longest);
    static thread_local std::minstd_rand random{std::random_device{}()};
    std::uniform_int_distribution<std::int64_t> any(longest.count() / 2, longest.count());
    return std::chrono::milliseconds(any(random));
}
} // namespace

void StepOutcomes::finish(StepId id, StepResult result) {
    StepWork& work = run_.work[id];
    if (auto error = broken_postcondition(id)) return fail(id, std::move(*error));
    work.state = StepState::done;
    --run_.open;
    ApplyResult::StepRun& r = run_.result.steps[id];
    r.result = result;
    r.ended_ms = now_ms();
    run_.events.step_done(run_.plan.steps[id], r.result, r.ended_ms - r.started_ms);
    if (log::enabled(log::Level::info))
        log::write(log::Level::info, "step",
                   {{"address", run_.plan.steps[id].address},
                    {"action", std::string(action_name(run_.plan.steps[id].action))},
                    {"result", std::string(step_result_name(r.result))},
                    {"ms", std::to_string(r.ended_ms - r.started_ms)}});
    StepRecord record{run_.plan.steps[id].address,
                      run_.plan.steps[id].action,
                      r.started_ms,
                      r.ended_ms,
                      r.result,
                      {}};
    for (const StepId before : run_.plan.steps[id].after_steps)
        record.after.push_back(run_.plan.steps[before].address);
    run_.store.record_step(run_.id, record);
    for (const StepId d : work.dependents)
        if (!(work.dependents_released && run_.state_only(d)) && --run_.work[d].waiting_for == 0)
            run_.ready.push_back(d);
}

void StepOutcomes::finish_with(StepId id, const std::optional<RecordedResource>& row) {
    if (row && run_.plan.steps[id].node) run_.values[*run_.plan.steps[id].node] = row->attributes;
    // the replacement was unnecessary: the object was changed in place
    const bool changed = run_.plan.steps[id].action == Action::replace && run_.work[id].is_kept;
    finish(id, changed ? StepResult::changed : StepResult::done);
}

void StepOutcomes::finish_data(StepId id, const Observation& observed) {
    const Step& step = run_.plan.steps[id];
    if (observed.state != Observation::State::present) throw data_error(step.address, observed);
    run_.values[*step.node] = complete(*step.type, run_.work[id].config, observed.attributes);
    finish(id, StepResult::read);
}

std::optional<Error> StepOutcomes::broken_postcondition(StepId id) const {
    const Step& step = run_.plan.steps[id];
    if (!step.node) return std::nullopt;
    Diagnostics diagnostics;
    run_.graph->check_postconditions(*step.node, run_.current_values(), diagnostics);
    if (diagnostics.empty()) return std::nullopt;
    Error error = diagnostics.list().front();
    error.kind = ErrorKind::failed;
    return std::move(error).with_note(
        step.type->data ? "it was read; resources that depend on it were skipped"
                        : "it exists and is recorded; resources that depend on it were skipped");
}

/// Hides the secrets of the resource and of the resources that it uses, because a command may print
/// its input, or a secret that is part of its text.
void StepOutcomes::hide_secrets_of(StepId id, Error& error) const {
    const Step& step = run_.plan.steps[id];
    const auto hide = [&](const Value& value) { error = hide_secrets(std::move(error), value); };
    error = hide_secrets(hide_secrets(std::move(error), *step.type, run_.work[id].config),
                         *step.type, step.before);
    if (step.node)
        for (const NodeId used : (*run_.graph)[*step.node].deps) hide(run_.values[used]);
    const auto recorded = run_.prior.recorded.find(step.address);
    if (recorded == run_.prior.recorded.end()) return;
    for (const std::string& used : recorded->second.depends_on)
        if (const auto it = run_.prior.recorded.find(used); it != run_.prior.recorded.end())
            hide(it->second.attributes);
}

void StepOutcomes::retry_or_fail(StepId id, Error error) {
    StepWork& work = run_.work[id];
    const Retries& retries = run_.options.retries;
    const auto now = Clock::now();
    if (work.attempts == 0) work.failed_first = now;
    if (!error.transient || ++work.attempts > retries.most) return fail(id, std::move(error));
    const auto pause = pause_before(work.attempts, retries);
    if (now + pause > work.failed_first + retries.within) return fail(id, std::move(error));
    hide_secrets_of(id, error);
    run_.events.step_progress(
        run_.plan.steps[id],
        fmt::format("retrying in {}: {}", show_duration(pause.count()), error.message));
    queues_.enqueue_later(id, work.state == StepState::to_read, now + pause);
}

void StepOutcomes::fail(StepId id, Error error) {
    const Step& step = run_.plan.steps[id];
    StepWork& work = run_.work[id];
    hide_secrets_of(id, error);
    if (error.address.empty()) error.address = step.address;
    if (!error.loc.known()) error.loc = step.loc;
    work.state = StepState::failed;
    --run_.open;
    ApplyResult::StepRun& r = run_.result.steps[id];
    r.result = StepResult::failed;
    r.ended_ms = now_ms();
    run_.events.step_failed(step, error, r.ended_ms - r.started_ms);
    log::write(log::Level::error, "step",
               {{"address", step.address},
                {"action", std::string(action_name(step.action))},
                {"result", std::string(step_result_name(r.result))},
                {"reason", error.message},
                {"ms", std::to_string(r.ended_ms - r.started_ms)}});
    run_.result.errors.push_back(std::move(error));
    skip_dependents(id);
}

void StepOutcomes::skip_dependents(StepId id) {
    std::vector<StepId> failed{id}; // not recursive, because a chain can be as long as the plan
    while (!failed.empty()) {
        const StepId at = failed.back();
        failed.pop_back();
        for (const StepId d : run_.work[at].dependents) {
            if (run_.work[d].state != StepState::waiting) continue;
            run_.work[d].state = StepState::skipped;
            run_.result.steps[d].result = StepResult::skipped;
            --run_.open;
            failed.push_back(d);
        }
    }
}

RecordedResource StepOutcomes::row_of(StepId id, const Value& config,
                                      const Value& attributes) const {
    const Step& step = run_.plan.steps[id];
    return {step.address,
            step.type->name,
            run_.generation_of(id),
            run_.identity_now(id),
            config,
            with_machine(*step.type, step.address, attributes),
            run_.dependencies_of(step),
            false};
}

RecordedResource StepOutcomes::result_row(StepId id, Value attributes) const {
    const Step& step = run_.plan.steps[id];
    const StepWork& work = run_.work[id];
    attributes = hide_secrets(*step.type, attributes, work.config);
    return row_of(id, work.config, complete(*step.type, work.config.with_all(attributes), {}));
}

void StepOutcomes::write_generations(StepId id, const RecordedResource& row) {
    run_.store.put({old_generation(id), row}, {run_.journal_address(id)});
}

RecordedResource StepOutcomes::old_generation(StepId id) const {
    RecordedResource old = run_.prior.recorded.at(run_.plan.steps[id].address);
    old.address = generation_address(old.address, old.generation);
    return old;
}

} // namespace hadeploy
