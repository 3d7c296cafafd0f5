#include "engine/executor.h"

#include "core/clock.h"
#include "core/secrecy.h"
#include "core/trace.h"
#include "engine/executor_slot.h"
#include "planner/graph/computed.h"
#include "planner/graph/hide_secrets.h"
#include "planner/plan/decide.h"
#include "planner/plan/generations.h"
#include "planner/plan/lifecycle.h"
#include "planner/plan/observed.h"
#include "planner/plan/prior_state.h"
#include "planner/spec/address.h"

#include <algorithm>
#include <chrono>
#include <fmt/format.h>
#include <thread>

namespace hadeploy {

Executor::Executor(const Plan& plan, const Graph* graph, const PriorState& prior, Store& store,
                   Endpoints& endpoints, const ProviderSettings& settings, Events& events,
                   std::int64_t run, const ApplyOptions& options)
    : plan_(plan), graph_(graph), prior_state_(prior), store_(store), endpoints_(endpoints),
      settings_(settings), events_(events), run_(run), options_(options),
      slots_(std::clamp<std::size_t>(options.parallelism, 1, 256)), work_(plan.steps.size()),
      values_(plan.values), open_(plan.steps.size()) {
    result_.steps.resize(plan.steps.size());
    for (StepId id = 0; id < plan.steps.size(); ++id) {
        work_[id].waiting_for = plan.steps[id].after_steps.size();
        for (const StepId before : plan.steps[id].after_steps)
            work_[before].dependents.push_back(id);
        (plan.steps[id].first_half ? half_of_ : step_of_)[plan.steps[id].address] = id;
        work_[id].resumed = plan.resumed.contains(plan.steps[id].address) ||
                            plan.resumed.contains(journal_address(id));
        if (work_[id].waiting_for == 0) ready_.push_back(id);
    }
    for (StepId id = static_cast<StepId>(plan.steps.size()); id-- > 0;)
        for (const StepId before : plan.steps[id].after_steps)
            work_[before].height = std::max(work_[before].height, work_[id].height + 1);
}

ApplyResult Executor::run() {
    note_records(plan_, store_);
    {
        std::vector<std::jthread> workers;
        const std::size_t threads = std::min(2 * slots_, plan_.steps.size());
        for (std::size_t i = 0; i < threads; ++i) workers.emplace_back([this] { work(); });
    }
    withdraw_rest();
    result_.interrupted = options_.stop != nullptr && *options_.stop && open_ > 0;
    return std::move(result_);
}

Value Executor::outputs(Diagnostics& diagnostics) const {
    return graph_->outputs([this](NodeId n) { return values_[n]; }, diagnostics);
}

void Executor::work() {
    std::unique_lock lock(mutex_);
    while (true) {
        settle_ready();
        if (open_ == 0) break;
        std::optional<Job> job = stopping() ? std::nullopt : take_job();
        if (!job) {
            // nothing runs and nothing can start: a stop, or all remaining steps have failed
            if (running_ == 0) break;
            // the timeout limits the delay of a stop by a signal
            changed_.wait_for(lock, std::chrono::milliseconds(200));
            continue;
        }
        ++running_;
        if (more_work()) changed_.notify_one();
        lock.unlock();
        run_job(*job);
        lock.lock();
        --running_;
        job->queue->busy = false;
    }
    changed_.notify_all();
}

void Executor::settle_ready() {
    while (!ready_.empty()) {
        while (!ready_.empty()) {
            const StepId id = ready_.front();
            ready_.pop_front();
            if (work_[id].state != State::waiting && work_[id].state != State::ready) continue;
            work_[id].state = State::ready;
            try {
                consider(id);
            } catch (Error& error) {
                fail(id, std::move(error));
            }
        }
        write_settled();
    }
}

void Executor::write_settled() {
    const std::vector<Settled> all = std::exchange(settled_, {});
    std::vector<RecordedResource> rows;
    std::vector<std::string> forgotten;
    for (const Settled& s : all) {
        if (s.row)
            rows.push_back(*s.row);
        else
            forgotten.push_back(plan_.steps[s.step].address);
    }
    try {
        store_.put(rows, forgotten);
    } catch (Error& error) {
        for (const Settled& s : all) fail(s.step, error);
        return;
    }
    for (const Settled& s : all) finish(s.step, s.result);
}

/// Settles a ready step at once, or queues it at its endpoint.
void Executor::consider(StepId id) {
    const Step& step = plan_.steps[id];
    Work& work = work_[id];
    if (result_.steps[id].started_ms == 0) result_.steps[id].started_ms = now_ms();
    if (step.action == Action::forget)
        return settled_.push_back({id, step.keeps ? StepResult::kept : StepResult::forgotten, {}});
    if (step.action == Action::refresh) {
        RecordedResource seen = prior_state_.recorded.at(step.address);
        seen.attributes = step.after;
        return settled_.push_back({id, StepResult::refreshed, seen});
    }
    // only now may it be known whether the replacement is needed
    if (step.first_half && step.if_differs) {
        const std::optional<bool> needed = removal_needed(id);
        if (!needed && wait_for_base(id)) return;
        if (needed != true) return finish(id, StepResult::unchanged);
    }
    if (is_kept_generation(id)) return finish(id, StepResult::unchanged);
    if (!prepare(id)) return; // failed
    if (step.read_first && !work.observed) return enqueue(id, true);
    if (step.read_first && work.observed->state == Observation::State::blocked &&
        !work.read_fresh) {
        work.observed.reset();
        return enqueue(id, true); // its dependency has been repaired since
    }
    decide_step(id);
}

/// Evaluates the config with the values now known and chooses the endpoint.
bool Executor::prepare(StepId id) {
    const Step& step = plan_.steps[id];
    Work& work = work_[id];
    if (step.node) {
        Diagnostics diagnostics;
        const Graph::Values values = [this](NodeId n) { return values_[n]; };
        graph_->check_inputs_of(*step.node, values, diagnostics);
        work.config = graph_->config(*step.node, values, diagnostics);
        if (!diagnostics.empty()) return fail(id, diagnostics.list().front()), false;
        reject_owned_name(id);
    } else {
        work.config = prior_state_.recorded.at(step.address).config;
    }
    work.endpoint = choose_endpoint(id, work.config);
    if (work.endpoint) return true;
    return fail(id,
                Error(ErrorKind::unreachable, "no machine through which it can be reached is up")
                    .with_hint("apply again when one of them is up")),
           false;
}

/// Rejects a name, known only now, of an object that another resource manages.
void Executor::reject_owned_name(StepId id) {
    const Step& step = plan_.steps[id];
    if (!step.after.contains_unknown() || !step.type->claims(step.after).empty()) return;
    for (const std::string& claim : step.type->claims(work_[id].config))
        for (const auto& [address, r] : prior_state_.recorded) {
            const ResourceType* type = endpoints_.registry().type(r.type);
            if (resource_address(address) == step.address || type == nullptr) continue;
            const std::vector<std::string> held = type->claims(r.config);
            if (std::find(held.begin(), held.end(), claim) == held.end()) continue;
            throw Error(ErrorKind::conflict,
                        fmt::format("it is {}, which {} still has",
                                    without_secrets(claim, work_[id].config), address))
                .with_hint("this was not known when the plan was made; run plan again");
        }
    reject_name_of_this_run(id);
}

/// Rejects a name, known only now, that another step of this run has.
void Executor::reject_name_of_this_run(StepId id) {
    if (!claimed_) {
        claimed_.emplace();
        for (StepId other = 0; other < plan_.steps.size(); ++other)
            if (const Step& s = plan_.steps[other]; s.node)
                for (std::string& claim : s.type->claims(s.after))
                    claimed_->emplace(std::move(claim), other);
    }
    for (const std::string& claim : plan_.steps[id].type->claims(work_[id].config)) {
        const auto [it, fresh] = claimed_->emplace(claim, id);
        if (fresh || it->second == id) continue;
        throw Error(ErrorKind::conflict, fmt::format("it is {}, which {} manages",
                                                     without_secrets(claim, work_[id].config),
                                                     plan_.steps[it->second].address))
            .with_hint("this was not known when the plan was made; change one of them, or remove "
                       "it");
    }
}

std::optional<Endpoint> Executor::choose_endpoint(StepId id, const Value& config) const {
    const Step& step = plan_.steps[id];
    const Provider& provider = *endpoints_.registry().provider(step.type->provider);
    const Value& settings = settings_.at(provider.name);
    const auto candidates = step.action == Action::remove
                                ? provider.removal_endpoints(*step.type, config, settings)
                                : provider.endpoints(*step.type, config, settings);
    for (const Endpoint& e : candidates)
        if (e.machine.empty() || e.machine == step.address || !machine_down(e.machine)) return e;
    return std::nullopt;
}

/// Whether a machine was observed as down and no step of this plan has started it.
bool Executor::machine_down(const std::string& address) const {
    const auto half = half_of_.find(address); // until its end the old machine exists
    const bool old = half != half_of_.end() && work_[half->second].state != State::done &&
                     work_[half->second].state != State::running;
    const auto step = step_of_.find(address);
    if (step != step_of_.end() && !old) {
        const Action action = plan_.steps[step->second].action;
        if (action != Action::remove && action != Action::forget)
            return work_[step->second].state != State::done;
    }
    if (!prior_state_.recorded.contains(address) && !prior_state_.observed.contains(address))
        return false;
    return !machine_is_up(prior_state_, address);
}

/// Decides on a step whose resource has been read, now or when the plan was made.
void Executor::decide_step(StepId id) {
    const Step& step = plan_.steps[id];
    Work& work = work_[id];
    const auto it = prior_state_.recorded.find(step.address);
    const RecordedResource* recorded = it == prior_state_.recorded.end() ? nullptr : &it->second;
    if (!work.observed && !step.read_first)
        work.observed =
            observation_of(prior_state_, endpoints_.registry(),
                           {step.address, step.type, work.config, recorded, step.identity});
    if (!work.observed) work.observed = Observation::absent();
    const Observation& observed = *work.observed;
    if (observed.state == Observation::State::blocked)
        throw observed.error.value_or(Error(ErrorKind::failed, "cannot be read"));
    if (step.type->data) return finish_data(id, observed);
    if (step.action == Action::remove) return decide_removal(id);
    if (step.node)
        work.config = with_lifecycle((*graph_)[*step.node], work.config, recorded, &observed);
    if (step.action == Action::replace) {
        work.is_kept = !is_needed(id);
        if (!work.is_kept && step.if_differs) reject_protected(id);
        if (!work.is_kept) work.config = with_lifecycle_of_new((*graph_)[*step.node], work.config);
        work.kind = Change::Kind::create;
        if (!work.is_kept) return enqueue(id, false);
    }
    if (step.action == Action::create && !step.read_first) { // as observed for the plan
        work.kind = Change::Kind::create;
        return enqueue(id, false);
    }
    // the recorded object was on a machine that is recreated
    const bool fresh_machine = step.action == Action::create && recorded != nullptr;
    const Decision d = decide(*step.type, work.config, fresh_machine ? nullptr : recorded,
                              interruption_of(prior_state_, step.address), observed);
    if (!d.action || d.action == Action::adopt) {
        const Value attributes = complete(*step.type, work.config, observed.attributes);
        if (step.node) values_[*step.node] = with_machine(*step.type, step.address, attributes);
        return settled_.push_back({id, d.action ? StepResult::adopted : StepResult::unchanged,
                                   row_of(id, work.config, attributes)});
    }
    if (d.action == Action::replace)
        throw Error(ErrorKind::failed, "it needs to be replaced: " + d.reason)
            .with_hint("the plan does not contain this; run plan again");
    work.kind = d.action == Action::update ? Change::Kind::update : Change::Kind::create;
    if (step.node && work.kind == Change::Kind::create)
        work.config = with_lifecycle_of_new((*graph_)[*step.node], work.config);
    work.changed.clear();
    for (const AttributeChange& c : d.changes) work.changed.push_back(c.name);
    enqueue(id, false);
}

void Executor::decide_removal(StepId id) {
    Work& work = work_[id];
    const Observation& observed = *work.observed;
    if (observed.state == Observation::State::failed) throw *observed.error;
    if (observed.state == Observation::State::absent || !observed.foreign.empty())
        return settled_.push_back({id, StepResult::forgotten, {}});
    reject_lost_contents(id);
    work.kind = Change::Kind::remove;
    enqueue(id, false);
}

/// Rejects a removal that would delete an object whose name was not known when the plan was made.
void Executor::reject_lost_contents(StepId id) const {
    const Step& step = plan_.steps[id];
    const std::string prefix = step.type->takes_along(step.before);
    if (prefix.empty()) return;
    for (StepId other = 0; other < plan_.steps.size(); ++other) {
        const Step& s = plan_.steps[other];
        if (!s.node || !s.after.contains_unknown() || work_[other].state != State::done ||
            !s.type->claims(s.after).empty())
            continue;
        for (const std::string& claim : s.type->claims(work_[other].config))
            if (claim.starts_with(prefix))
                throw Error(ErrorKind::conflict,
                            fmt::format("the removal would also delete {}, which is in it ({})",
                                        s.address, without_secrets(claim, work_[other].config)))
                    .with_hint("this was not known when the plan was made; run plan again");
    }
}

void Executor::enqueue(StepId id, bool read) {
    Work& work = work_[id];
    Queue& queue = queues_[work.endpoint->key];
    if (queue.provider == nullptr) {
        queue.endpoint = *work.endpoint;
        queue.provider = endpoints_.registry().provider(plan_.steps[id].type->provider);
    }
    work.state = read ? State::to_read : State::to_change;
    if (read)
        queue.reads.push_back(id);
    else
        queue.changes.insert({work.resumed, work.height, arrivals_++, id});
}

bool Executor::more_work() const {
    return !ready_.empty() || std::any_of(queues_.begin(), queues_.end(),
                                          [](const auto& q) { return q.second.ready(); });
}

std::optional<Executor::Job> Executor::take_job() {
    for (auto& [key, queue] : queues_) {
        if (!queue.ready()) continue;
        queue.busy = true;
        if (!queue.reads.empty()) {
            Job job{&queue, true, {queue.reads.begin(), queue.reads.end()}};
            queue.reads.clear();
            add_fellow_reads(job);
            return job;
        }
        Job job{&queue, false, {}};
        take_changes(queue, job.steps);
        return job;
    }
    return std::nullopt;
}

void Executor::take_changes(Queue& queue, std::vector<StepId>& steps) {
    while (!queue.changes.empty()) {
        const StepId next = queue.changes.begin()->step;
        if (!steps.empty() &&
            (!queue.one_job() || has_own_batch(steps.back()) || has_own_batch(next)))
            return;
        queue.changes.erase(queue.changes.begin());
        work_[next].state = State::running;
        steps.push_back(next);
    }
}

bool Executor::state_only(StepId id) const {
    return endpoints_.registry().provider(plan_.steps[id].type->provider)->state_only;
}

/// Whether a change takes long and gets a batch of its own.
bool Executor::has_own_batch(StepId id) const {
    return !state_only(id) && plan_.steps[id].type->slow && work_[id].kind != Change::Kind::remove;
}

/// Adds all other resources that must be read at the same endpoint and whose config is known, so
/// that a machine that has just come up needs only one round trip.
void Executor::add_fellow_reads(Job& job) {
    for (const StepId id : job.steps) work_[id].read_fresh = true;
    for (StepId id = 0; id < plan_.steps.size(); ++id) {
        const Step& step = plan_.steps[id];
        Work& work = work_[id];
        if (!step.read_first || work.state != State::waiting || work.observed || !step.node)
            continue;
        // a step that it waits for may change the object
        if (step.type->data || step.takes_over) continue;
        Diagnostics diagnostics;
        const Value config = graph_->config(
            *step.node, [this](NodeId n) { return values_[n]; }, diagnostics);
        if (!diagnostics.empty() || config.contains_unknown()) continue;
        // all machines in its config must be up, not only the one through which it is read
        const std::set<std::string> machines = machines_in(config);
        if (std::any_of(machines.begin(), machines.end(),
                        [&](const std::string& m) { return machine_down(m); }))
            continue;
        const auto endpoint = choose_endpoint(id, config);
        if (!endpoint || endpoint->key != job.queue->endpoint.key) continue;
        work.config = config;
        job.steps.push_back(id);
    }
}

void Executor::run_job(const Job& job) {
    try {
        if (job.read)
            run_read(job);
        else
            run_changes(job);
    } catch (const std::exception& e) {
        const std::lock_guard lock(mutex_);
        for (const StepId id : job.steps)
            if (work_[id].state == State::running || work_[id].state == State::to_read)
                fail(id, Error(ErrorKind::failed, e.what()));
    }
}

void Executor::run_read(const Job& job) {
    Slot slot(*this);
    if (!slot.take()) return put_back(job);
    const Span span("read", shown_key(job.queue->endpoint));
    std::vector<ReadRequest> requests;
    {
        const std::lock_guard lock(mutex_);
        for (const StepId id : job.steps) {
            const Step& step = plan_.steps[id];
            const auto it = prior_state_.recorded.find(step.address);
            requests.push_back({step.address, step.type, work_[id].config,
                                it == prior_state_.recorded.end() ? nullptr : &it->second,
                                step.identity});
        }
        events_.reading(shown_key(job.queue->endpoint), requests.size());
    }
    std::vector<Observation> answers;
    std::optional<Error> error;
    try {
        const Endpoint& endpoint = job.queue->endpoint;
        const Notice notice = [&](std::string_view what) {
            const std::lock_guard lock(mutex_);
            events_.waiting(shown_key(endpoint), what);
        };
        answers = endpoints_.read(job.queue->provider->name, endpoint, requests, notice);
    } catch (Error& e) {
        error = std::move(e);
    } catch (const Interrupted&) {
        return put_back(job);
    }
    const std::lock_guard lock(mutex_);
    for (std::size_t i = 0; i < job.steps.size(); ++i) {
        const StepId id = job.steps[i];
        const bool its_turn = work_[id].state == State::to_read;
        if (error) {
            if (its_turn) retry_or_fail(id, *error);
            continue;
        }
        work_[id].observed = std::move(answers[i]);
        if (!its_turn) continue;
        work_[id].state = State::ready;
        ready_.push_back(id);
    }
    changed_.notify_all();
}

} // namespace hadeploy
