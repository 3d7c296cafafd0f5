// How the steps of a run end: results, failures, and the records of both.
#include "engine/executor.h"

#include "core/clock.h"
#include "core/log.h"
#include "planner/graph/computed.h"
#include "planner/graph/hide_secrets.h"
#include "planner/plan/decide.h"
#include "planner/plan/generations.h"
#include "planner/plan/prior_state.h"
#include "planner/spec/address.h"

#include <algorithm>

namespace hadeploy {

namespace {
constexpr int kAttempts = 3; ///< of a step with transient failures
} // namespace

/// The first postcondition that does not hold with the values now known.
std::optional<Error> Executor::broken_postcondition(StepId id) const {
    const Step& step = plan_.steps[id];
    if (!step.node) return std::nullopt;
    Diagnostics diagnostics;
    graph_->check_postconditions(
        *step.node, [this](NodeId n) { return values_[n]; }, diagnostics);
    if (diagnostics.empty()) return std::nullopt;
    Error error = diagnostics.list().front();
    error.kind = ErrorKind::failed;
    return std::move(error).with_note(
        step.type->data ? "it was read; resources that depend on it were skipped"
                        : "it exists and is recorded; resources that depend on it were skipped");
}

void Executor::finish(StepId id, StepResult result) {
    Work& work = work_[id];
    if (auto error = broken_postcondition(id)) return fail(id, std::move(*error));
    work.state = State::done;
    --open_;
    ApplyResult::StepRun& r = result_.steps[id];
    r.result = result;
    r.ended_ms = now_ms();
    events_.step_done(plan_.steps[id], r.result, r.ended_ms - r.started_ms);
    if (log::enabled(log::Level::info))
        log::write(log::Level::info, "step",
                   {{"address", plan_.steps[id].address},
                    {"action", std::string(action_name(plan_.steps[id].action))},
                    {"result", std::string(step_result_name(r.result))},
                    {"ms", std::to_string(r.ended_ms - r.started_ms)}});
    StepRecord record{
        plan_.steps[id].address, plan_.steps[id].action, r.started_ms, r.ended_ms, r.result, {}};
    for (const StepId before : plan_.steps[id].after_steps)
        record.after.push_back(plan_.steps[before].address);
    store_.record_step(run_, record);
    for (const StepId d : work.dependents)
        if (!(work.dependents_released && state_only(d)) && --work_[d].waiting_for == 0)
            ready_.push_back(d);
}

/// Hides the secrets of the resource and of those that it uses: a command may print its input, or a
/// secret that is a part of its text.
void Executor::hide_secrets_of(StepId id, Error& error) const {
    const Step& step = plan_.steps[id];
    const auto hide = [&](const Value& value) { error = hide_secrets(std::move(error), value); };
    error = hide_secrets(hide_secrets(std::move(error), *step.type, work_[id].config), *step.type,
                         step.before);
    if (step.node)
        for (const NodeId used : (*graph_)[*step.node].deps) hide(values_[used]);
    const auto recorded = prior_state_.recorded.find(step.address);
    if (recorded == prior_state_.recorded.end()) return;
    for (const std::string& used : recorded->second.depends_on)
        if (const auto it = prior_state_.recorded.find(used); it != prior_state_.recorded.end())
            hide(it->second.attributes);
}

void Executor::retry_or_fail(StepId id, Error error) {
    Work& work = work_[id];
    if (!error.transient || ++work.attempts >= kAttempts) return fail(id, std::move(error));
    hide_secrets_of(id, error);
    events_.step_progress(plan_.steps[id], "retrying: " + error.message);
    enqueue(id, work.state == State::to_read);
}

void Executor::fail(StepId id, Error error) {
    const Step& step = plan_.steps[id];
    Work& work = work_[id];
    hide_secrets_of(id, error);
    if (error.address.empty()) error.address = step.address;
    if (!error.loc.known()) error.loc = step.loc;
    work.state = State::failed;
    --open_;
    ApplyResult::StepRun& r = result_.steps[id];
    r.result = StepResult::failed;
    r.ended_ms = now_ms();
    events_.step_failed(step, error, r.ended_ms - r.started_ms);
    log::write(log::Level::error, "step",
               {{"address", step.address},
                {"action", std::string(action_name(step.action))},
                {"result", std::string(step_result_name(r.result))},
                {"reason", error.message},
                {"ms", std::to_string(r.ended_ms - r.started_ms)}});
    result_.errors.push_back(std::move(error));
    skip_dependents(id);
}

void Executor::skip_dependents(StepId id) {
    std::vector<StepId> failed{id}; // not recursive: a chain can be as long as the plan
    while (!failed.empty()) {
        const StepId at = failed.back();
        failed.pop_back();
        for (const StepId d : work_[at].dependents) {
            if (work_[d].state != State::waiting) continue;
            work_[d].state = State::skipped;
            result_.steps[d].result = StepResult::skipped;
            --open_;
            failed.push_back(d);
        }
    }
}

std::vector<std::string> Executor::dependencies_of(const Step& step) const {
    if (step.node) return graph_->dependencies(*step.node);
    return prior_state_.recorded.at(step.address).depends_on;
}

/// The generation of the object that exists after the step.
std::int64_t Executor::generation_of(StepId id) const {
    const Step& step = plan_.steps[id];
    return work_[id].is_kept ? prior_state_.recorded.at(step.address).generation : step.generation;
}

std::string Executor::identity_now(StepId id) const {
    const Step& step = plan_.steps[id];
    return work_[id].is_kept ? prior_state_.recorded.at(step.address).identity : step.identity;
}

RecordedResource Executor::row_of(StepId id, const Value& config, const Value& attributes) const {
    const Step& step = plan_.steps[id];
    return {step.address,
            step.type->name,
            generation_of(id),
            identity_now(id),
            config,
            with_machine(*step.type, step.address, attributes),
            dependencies_of(step),
            false};
}

/// Values of a data source are only used by references, and not recorded.
void Executor::finish_data(StepId id, const Observation& observed) {
    const Step& step = plan_.steps[id];
    if (observed.state != Observation::State::present) throw data_error(step.address, observed);
    values_[*step.node] = complete(*step.type, work_[id].config, observed.attributes);
    finish(id, StepResult::read);
}

/// The row of an object from the attributes that the provider reported.
RecordedResource Executor::result_row(StepId id, Value attributes) const {
    const Step& step = plan_.steps[id];
    const Work& work = work_[id];
    attributes = hide_secrets(*step.type, attributes, work.config);
    return row_of(id, work.config, complete(*step.type, work.config.with_all(attributes), {}));
}

void Executor::finish_with(StepId id, const std::optional<RecordedResource>& row) {
    if (row && plan_.steps[id].node) values_[*plan_.steps[id].node] = row->attributes;
    // an unnecessary replacement was changed in place
    const bool changed = plan_.steps[id].action == Action::replace && work_[id].is_kept;
    finish(id, changed ? StepResult::changed : StepResult::done);
}

std::vector<Error> Executor::broken_checks() const {
    return graph_->broken_checks([this](NodeId n) { return values_[n]; });
}

/// Checks the rules of resources without a step, as the values they refer to may have changed.
void Executor::check_unchanged(Diagnostics& diagnostics) const {
    const Graph::Values values = [this](NodeId n) { return values_[n]; };
    for (NodeId id = 0; id < graph_->nodes().size(); ++id) {
        const Node& node = (*graph_)[id];
        const Lifecycle& rules = node.block->lifecycle();
        if (rules.preconditions.empty() && rules.postconditions.empty()) continue;
        if (step_of_.contains(node.address) || values_[id].is_unknown()) continue;
        graph_->config(id, values, diagnostics);
        graph_->check_postconditions(id, values, diagnostics);
    }
}

void Executor::check_inputs(std::vector<Error>& errors) const {
    Diagnostics diagnostics;
    const Graph::Values values = [this](NodeId n) { return values_[n]; };
    graph_->check_open_inputs(values, diagnostics);
    if (!plan_.partial) graph_->check_output_rules(values, diagnostics);
    check_unchanged(diagnostics);
    for (const Error& e : diagnostics.list()) {
        const bool reported = std::any_of(errors.begin(), errors.end(), [&](const Error& other) {
            return other.message == e.message && other.loc == e.loc;
        });
        if (!reported) errors.push_back(e);
    }
}

/// Records the new object at the resource's address and the old one at its generation's, and
/// removes the intent, in one transaction, so that a killed run loses neither of them.
void Executor::write_generations(StepId id, const RecordedResource& row) {
    store_.put({old_generation(id), row}, {journal_address(id)});
}

RecordedResource Executor::old_generation(StepId id) const {
    RecordedResource old = prior_state_.recorded.at(plan_.steps[id].address);
    old.address = generation_address(old.address, old.generation);
    return old;
}

} // namespace hadeploy
