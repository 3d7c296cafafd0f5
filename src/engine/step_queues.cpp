#include "engine/step_queues.h"

#include "planner/graph/computed.h"

#include <algorithm>

namespace hadeploy {

std::optional<Endpoint> StepQueues::choose_endpoint(StepId id, const Value& config) const {
    const Step& step = run_.plan.steps[id];
    const Provider& provider = *run_.endpoints.registry().provider(step.type->provider);
    const Value& settings = run_.settings.at(provider.name);
    const auto candidates = step.action == Action::remove
                                ? provider.removal_endpoints(*step.type, config, settings)
                                : provider.endpoints(*step.type, config, settings);
    const auto is_up = [&](const Endpoint& e) {
        return e.machine.empty() || e.machine == step.address || !machine_down(e.machine);
    };
    if (step.type->reached_through_created && step.action != Action::remove)
        for (const Endpoint& e : candidates)
            if (is_up(e) && is_made_by_run(e.machine)) return e;
    const auto up = std::find_if(candidates.begin(), candidates.end(), is_up);
    return up == candidates.end() ? std::nullopt : std::optional(*up);
}

bool StepQueues::is_made_by_run(const std::string& machine) const {
    const auto step = run_.step_of.find(machine);
    if (step == run_.step_of.end()) return false;
    const Action action = run_.plan.steps[step->second].action;
    return action == Action::create || action == Action::replace;
}

/// Whether a machine was observed as down and no step of this plan has started it.
bool StepQueues::machine_down(const std::string& address) const {
    const auto half = run_.half_of.find(address); // the old machine exists until the step ends
    const bool old = half != run_.half_of.end() &&
                     run_.work[half->second].state != StepState::done &&
                     !run_.is_under_way(half->second);
    const auto step = run_.step_of.find(address);
    if (step != run_.step_of.end() && !old) {
        const Action action = run_.plan.steps[step->second].action;
        if (action != Action::remove && action != Action::forget)
            return run_.work[step->second].state != StepState::done;
    }
    if (!run_.prior.recorded.contains(address) && !run_.prior.observed.contains(address))
        return false;
    return !machine_is_up(run_.prior, address);
}

void StepQueues::enqueue(StepId id, bool read) {
    StepWork& work = run_.work[id];
    Queue& queue = by_key_[work.endpoint->key];
    queue.endpoint = *work.endpoint;
    if (queue.provider == nullptr)
        queue.provider = run_.endpoints.registry().provider(run_.plan.steps[id].type->provider);
    work.state = read ? StepState::to_read : StepState::to_change;
    run_.enter(id, Phase::queued);
    if (read)
        queue.reads.push_back(id);
    else
        queue.changes.insert({work.resumed, work.height, arrivals_++, id});
}

void StepQueues::put_back(const Job& job) {
    const std::lock_guard lock(run_.mutex);
    for (const StepId id : job.steps)
        if (run_.work[id].state == StepState::running || run_.work[id].state == StepState::to_read)
            enqueue(id, job.kind == Job::Kind::read);
}

void StepQueues::enqueue_later(StepId id, bool read, Clock::time_point when) {
    run_.work[id].state = StepState::pausing;
    run_.enter(id, Phase::pausing);
    later_.insert({when, {id, read}});
}

void StepQueues::enqueue_due() {
    const auto now = Clock::now();
    while (!later_.empty() && later_.begin()->first <= now) {
        const Later due = later_.begin()->second;
        later_.erase(later_.begin());
        enqueue(due.step, due.read);
    }
}

void StepQueues::wait_for_end(Queue& queue, StepId id) {
    run_.work[id].state = StepState::polled;
    run_.enter(id, Phase::polled);
    queue.polled.insert(id);
}

bool StepQueues::is_polling() const {
    return std::any_of(by_key_.begin(), by_key_.end(),
                       [](const auto& q) { return !q.second.polled.empty(); });
}

Clock::time_point StepQueues::next_due(Clock::time_point latest) const {
    if (!later_.empty()) latest = std::min(latest, later_.begin()->first);
    for (const auto& [key, queue] : by_key_)
        if (!queue.polled.empty() && !queue.polling) latest = std::min(latest, queue.next_poll);
    return latest;
}

std::optional<StepQueues::Job> StepQueues::take_poll() {
    const auto now = Clock::now();
    for (auto& [key, queue] : by_key_) {
        if (queue.polled.empty() || queue.polling || queue.next_poll > now) continue;
        queue.polling = true;
        return Job{
            &queue, queue.endpoint, Job::Kind::poll, {queue.polled.begin(), queue.polled.end()}};
    }
    return std::nullopt;
}

bool StepQueues::more_work() const {
    return !run_.ready.empty() || std::any_of(by_key_.begin(), by_key_.end(),
                                              [&](const auto& q) { return is_ready(q.second); });
}

bool StepQueues::is_ready(const Queue& queue) const {
    if (queue.busy && queue.one_job()) return false;
    return !queue.reads.empty() ||
           std::any_of(queue.changes.begin(), queue.changes.end(),
                       [&](const Turn& turn) { return !is_excluded(turn.step); });
}

std::vector<std::string> StepQueues::exclusive_names(StepId id) const {
    const Step& step = run_.plan.steps[id];
    const StepWork& work = run_.work[id];
    return step.type->exclusive(work.kind == Change::Kind::remove ? step.before : work.config);
}

/// Whether a running change needs an exclusive name that this change needs too.
bool StepQueues::is_excluded(StepId id) const {
    if (holders_.empty()) return false;
    const std::vector<std::string> names = exclusive_names(id);
    return std::any_of(names.begin(), names.end(), [&](const std::string& name) {
        const auto holder = holders_.find(name);
        return holder != holders_.end() && run_.is_under_way(holder->second);
    });
}

std::optional<StepQueues::Job> StepQueues::take_job() {
    if (auto poll = take_poll()) return poll;
    for (auto& [key, queue] : by_key_) {
        if (!is_ready(queue)) continue;
        queue.busy = true;
        if (!queue.reads.empty()) {
            Job job{
                &queue, queue.endpoint, Job::Kind::read, {queue.reads.begin(), queue.reads.end()}};
            queue.reads.clear();
            add_fellow_reads(job);
            return job;
        }
        Job job{&queue, queue.endpoint, Job::Kind::change, {}};
        take_changes(queue, job.steps);
        return job;
    }
    return std::nullopt;
}

void StepQueues::take_changes(Queue& queue, std::vector<StepId>& steps) {
    for (auto turn = queue.changes.begin(); turn != queue.changes.end();) {
        const StepId next = turn->step;
        if (is_excluded(next)) {
            ++turn;
            continue;
        }
        if (!steps.empty() &&
            (!queue.one_job() || has_own_batch(steps.back()) || has_own_batch(next)))
            return;
        turn = queue.changes.erase(turn);
        run_.work[next].state = StepState::running;
        for (std::string& name : exclusive_names(next)) holders_[std::move(name)] = next;
        steps.push_back(next);
    }
}

/// Whether a change takes long and gets a batch of its own.
bool StepQueues::has_own_batch(StepId id) const {
    return !run_.state_only(id) && run_.plan.steps[id].type->slow &&
           run_.work[id].kind != Change::Kind::remove;
}

/// Adds all other resources that must be read at the same endpoint and whose config is known, so
/// that a machine that has just started needs only one round trip.
void StepQueues::add_fellow_reads(Job& job) {
    for (const StepId id : job.steps) run_.work[id].read_fresh = true;
    for (StepId id = 0; id < run_.plan.steps.size(); ++id) {
        const Step& step = run_.plan.steps[id];
        StepWork& work = run_.work[id];
        if (!step.read_first || work.state != StepState::waiting || work.observed || !step.node)
            continue;
        // a step that it waits for may change the object
        if (step.type->data || step.takes_over) continue;
        Diagnostics diagnostics;
        const Value config = run_.graph->config(*step.node, run_.current_values(), diagnostics);
        if (!diagnostics.empty() || config.contains_unknown()) continue;
        // an object that several machines share can change with steps on the other machines
        if (machines_in(config).size() > 1) continue;
        const auto endpoint = choose_endpoint(id, config);
        if (!endpoint || endpoint->key != job.endpoint.key) continue;
        work.config = config;
        job.steps.push_back(id);
    }
}

} // namespace hadeploy
