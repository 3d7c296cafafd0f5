#include "engine/executor.h"

#include "core/trace.h"
#include "core/unexpected.h"
#include "planner/graph/hide_secrets.h"

#include <algorithm>
#include <chrono>
#include <thread>

namespace hadeploy {

ApplyResult Executor::run() {
    note_records(run_.plan, run_.store);
    {
        std::vector<std::jthread> workers;
        const std::size_t threads = std::min(2 * run_.slots.count, run_.plan.steps.size());
        for (std::size_t i = 0; i < threads; ++i) workers.emplace_back([this] { work(); });
    }
    intents_.withdraw_rest();
    // a stop also ends waits; their steps then fail
    run_.result.interrupted = run_.options.stop != nullptr && *run_.options.stop &&
                              (run_.open > 0 || !run_.result.errors.empty());
    return std::move(run_.result);
}

void Executor::work() {
    std::unique_lock lock(run_.mutex);
    while (true) {
        queues_.enqueue_due();
        decisions_.settle_ready();
        if (run_.open == 0) break;
        // a stop lets changes that have begun end
        std::optional<StepQueues::Job> job =
            run_.stopping() ? queues_.take_poll() : queues_.take_job();
        if (!job) {
            // nothing runs and nothing can start, because of a stop, or because all remaining steps
            // have failed
            const bool later = queues_.is_polling() || (queues_.is_pausing() && !run_.stopping());
            if (running_ == 0 && !later) break;
            // the timeout limits the delay of a stop by a signal
            run_.changed.wait_until(
                lock, queues_.next_due(Clock::now() + std::chrono::milliseconds(200)));
            continue;
        }
        ++running_;
        if (queues_.more_work()) run_.changed.notify_one();
        lock.unlock();
        run_job(*job);
        lock.lock();
        --running_;
        if (job->kind != StepQueues::Job::Kind::poll) job->queue->busy = false;
    }
    run_.changed.notify_all();
}

void Executor::run_job(const StepQueues::Job& job) {
    try {
        switch (job.kind) {
        case StepQueues::Job::Kind::read: return run_read(job);
        case StepQueues::Job::Kind::change: return changes_.run(job);
        case StepQueues::Job::Kind::poll: return changes_.poll(job);
        }
    } catch (const std::exception& e) {
        const std::lock_guard lock(run_.mutex);
        for (const StepId id : job.steps)
            if (run_.work[id].state == StepState::running ||
                run_.work[id].state == StepState::to_read)
                outcomes_.fail(id, as_error(e));
    }
}

void Executor::run_read(const StepQueues::Job& job) {
    Slot slot(run_);
    enter_reads(job, Phase::limited);
    if (!slot.take()) return queues_.put_back(job);
    const Span span("read", shown_key(job.endpoint));
    enter_reads(job, Phase::reading);
    std::vector<ReadRequest> requests;
    {
        const std::lock_guard lock(run_.mutex);
        for (const StepId id : job.steps) {
            const Step& step = run_.plan.steps[id];
            const auto it = run_.prior.recorded.find(step.address);
            requests.push_back({step.address, step.type, run_.work[id].config,
                                it == run_.prior.recorded.end() ? nullptr : &it->second,
                                step.identity});
        }
        run_.events.reading(shown_key(job.endpoint), requests.size());
    }
    std::vector<Observation> answers;
    std::optional<Error> error;
    try {
        const Endpoint& endpoint = job.endpoint;
        const Notice notice = [&](std::string_view what) {
            const std::lock_guard lock(run_.mutex);
            run_.events.waiting(shown_key(endpoint), what);
        };
        answers = run_.endpoints.read(job.queue->provider->name, endpoint, requests, notice);
    } catch (Error& e) {
        error = std::move(e);
    } catch (const Interrupted&) {
        return queues_.put_back(job);
    }
    const std::lock_guard lock(run_.mutex);
    for (std::size_t i = 0; i < job.steps.size(); ++i) {
        const StepId id = job.steps[i];
        const bool its_turn = run_.work[id].state == StepState::to_read;
        if (error) {
            if (its_turn) outcomes_.retry_or_fail(id, *error);
            continue;
        }
        run_.work[id].observed = std::move(answers[i]);
        if (!its_turn) continue;
        run_.work[id].state = StepState::ready;
        run_.ready.push_back(id);
    }
    run_.changed.notify_all();
}

/// Steps that are read along before their turn still wait for others.
void Executor::enter_reads(const StepQueues::Job& job, Phase phase) {
    const std::lock_guard lock(run_.mutex);
    for (const StepId id : job.steps)
        if (run_.work[id].state == StepState::to_read) run_.enter(id, phase);
}

Value Executor::outputs(Diagnostics& diagnostics) const {
    return run_.graph->outputs(run_.current_values(), diagnostics);
}

std::vector<Error> Executor::broken_checks() const {
    return run_.graph->broken_checks(run_.current_values());
}

/// Checks the rules of resources without a step, because the values that the rules refer to may
/// have changed.
void Executor::check_unchanged(Diagnostics& diagnostics) const {
    const Graph::Values values = run_.current_values();
    for (NodeId id = 0; id < run_.graph->nodes().size(); ++id) {
        const Node& node = (*run_.graph)[id];
        const Lifecycle& rules = node.block->lifecycle();
        if (rules.preconditions.empty() && rules.postconditions.empty()) continue;
        if (run_.step_of.contains(node.address) || run_.values[id].is_unknown()) continue;
        run_.graph->config(id, values, diagnostics);
        run_.graph->check_postconditions(id, values, diagnostics);
    }
}

void Executor::check_inputs(std::vector<Error>& errors) const {
    Diagnostics diagnostics;
    const Graph::Values values = run_.current_values();
    run_.graph->check_open_inputs(values, diagnostics);
    if (!run_.plan.partial) run_.graph->check_output_rules(values, diagnostics);
    check_unchanged(diagnostics);
    for (const Error& e : diagnostics.list()) {
        const bool reported = std::any_of(errors.begin(), errors.end(), [&](const Error& other) {
            return other.message == e.message && other.loc == e.loc;
        });
        if (!reported) errors.push_back(e);
    }
}

} // namespace hadeploy
