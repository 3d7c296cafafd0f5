#include "engine/change_jobs.h"

#include "core/clock.h"
#include "core/secrecy.h"
#include "core/trace.h"
#include "core/unexpected.h"
#include "planner/graph/hide_secrets.h"

#include <set>

namespace hadeploy {

namespace {
/// The description of a running change, for display.
std::string doing(const Step& step, Change::Kind kind) {
    if (kind == Change::Kind::create) return "creating";
    if (kind == Change::Kind::remove) return "removing";
    if (!step.verb.empty()) { // "run again": "running again"
        std::string verb = step.verb.substr(0, step.verb.find(' '));
        const std::string rest = step.verb.substr(verb.size());
        if (verb.ends_with('e')) verb.pop_back();
        if (verb == "run") verb += 'n';
        return verb + "ing" + rest;
    }
    return step.action == Action::read ? "repairing" : "updating";
}

/// Collects the results of a batch of resources that exist only in the state.
class Gathered : public ChangeSink {
  public:
    explicit Gathered(std::size_t count) : attributes(count), errors(count) {}
    void progress(std::size_t, std::string_view) override {}
    void done(std::size_t index, Value value) override { attributes[index] = std::move(value); }
    void failed(std::size_t index, Error error) override { errors[index] = std::move(error); }
    void not_begun(std::size_t index) override {
        errors[index] = Error(ErrorKind::failed, "not started");
    }

    std::vector<std::optional<Value>> attributes;
    std::vector<std::optional<Error>> errors;
};

/// Passes the results of a batch to the run.
class BatchSink : public ChangeSink {
  public:
    BatchSink(ActiveRun& run, StepQueues& queues, StepOutcomes& outcomes,
              const StepQueues::Job& job, Slot& slot)
        : run_(run), queues_(queues), outcomes_(outcomes), job_(job), steps_(job.steps),
          slot_(slot), settled_(steps_.size()), open_(steps_.size()) {}

    void progress(std::size_t index, std::string_view step) override {
        const std::lock_guard lock(run_.mutex);
        const Step& of = run_.plan.steps[steps_[index]];
        const Value& config = run_.work[steps_[index]].config;
        run_.events.step_progress(
            of, without_secrets(without_secrets(std::string(step), config), of.before));
    }
    /// Writes the result without holding the mutex, so that results that arrive at the same time
    /// share a sync.
    void done(std::size_t index, Value attributes) override {
        const StepId id = steps_[index];
        std::int64_t intent = 0;
        std::optional<RecordedResource> row;
        {
            const std::lock_guard lock(run_.mutex);
            settle(index);
            intent = run_.work[id].intent;
            begin_next(index);
            if (run_.work[id].kind != Change::Kind::remove)
                row = outcomes_.result_row(id, std::move(attributes));
        }
        std::optional<Error> unwritten = write(id, intent, row);
        const std::lock_guard lock(run_.mutex);
        if (unwritten) // the intent is kept, so that the next run finds and adopts the object
            outcomes_.fail(id, std::move(*unwritten));
        else
            outcomes_.finish_with(id, row);
        run_.changed.notify_one();
    }
    void failed(std::size_t index, Error error) override {
        const std::lock_guard lock(run_.mutex);
        settle(index);
        outcomes_.retry_or_fail(steps_[index], std::move(error));
        run_.changed.notify_one();
    }

    /// Queues the change again. This does not count as an attempt, because any number of earlier
    /// failures in a batch can cause it.
    void not_begun(std::size_t index) override {
        const std::lock_guard lock(run_.mutex);
        settle(index);
        queues_.enqueue(steps_[index], false);
        run_.changed.notify_one();
    }

    void waits(std::size_t index, std::string_view what) override {
        progress(index, what);
        const std::lock_guard lock(run_.mutex);
        settle(index);
        begin_next(index);
        queues_.wait_for_end(*job_.queue, steps_[index]);
        run_.changed.notify_one();
    }

    /// The changes of a batch run in order: each starts when the previous one ends.
    void begin_next(std::size_t index) {
        if (job_.kind == StepQueues::Job::Kind::poll) return;
        if (index + 1 == steps_.size()) return;
        run_.result.steps[steps_[index + 1]].started_ms = now_ms();
        run_.enter(steps_[index + 1], Phase::changing);
    }

    /// Fails all changes for which the provider reported no result.
    void close(const Error& error) {
        for (std::size_t i = 0; i < steps_.size(); ++i)
            if (!settled_[i]) failed(i, error);
    }

  private:
    /// Releases the slot after the last change, so that another job can run during the write.
    void settle(std::size_t index) {
        settled_[index] = true;
        job_.queue->polled.erase(steps_[index]);
        if (--open_ == 0) slot_.give_back();
    }

    std::optional<Error> write(StepId id, std::int64_t intent,
                               const std::optional<RecordedResource>& row) {
        try {
            if (row && run_.makes_first(id))
                outcomes_.write_generations(id, *row);
            else if (row)
                run_.store.finish(intent, *row);
            else
                run_.store.finish_removed(intent, run_.plan.steps[id].address);
            return std::nullopt;
        } catch (Error& error) {
            return std::move(error);
        }
    }

    ActiveRun& run_;
    StepQueues& queues_;
    StepOutcomes& outcomes_;
    const StepQueues::Job& job_;
    const std::vector<StepId>& steps_;
    Slot& slot_;
    std::vector<bool> settled_;
    std::size_t open_; ///< not settled
};
} // namespace

void ChangeJobs::run(const Job& job) {
    std::shared_ptr<OpenEndpoint> endpoint;
    try {
        endpoint = run_.endpoints.open(job.queue->provider->name, job.endpoint);
    } catch (Error& error) {
        const std::lock_guard lock(run_.mutex);
        for (const StepId id : job.steps) outcomes_.retry_or_fail(id, error);
        return;
    } catch (const Interrupted&) {
        return queues_.put_back(job);
    }
    if (job.queue->provider->state_only) return change_in_state(job, *endpoint);
    Slot slot(run_);
    change(job, *endpoint, slot);
}

void ChangeJobs::change(const Job& job, OpenEndpoint& endpoint, Slot& slot) {
    const Span span("change", shown_key(job.endpoint));
    const std::vector<Change> changes = changes_of(job);
    std::vector<Intent> intents;
    for (std::size_t i = 0; i < changes.size(); ++i)
        intents.push_back(intents_.intent_of(job.steps[i], changes[i]));
    if (!intents_.begin(job, intents)) return;
    await_slot(job);
    if (!slot.take()) return intents_.withdraw(job, std::move(intents));
    announce(job);
    BatchSink sink(run_, queues_, outcomes_, job, slot);
    try {
        run_.store.check_lock(); // checks again, because the wait for the slot may have been long
        endpoint.apply(changes, sink);
        sink.close(Error(ErrorKind::failed, "the provider reported no result"));
    } catch (Error& error) {
        sink.close(error);
    }
}

void ChangeJobs::poll(const Job& job) {
    const Span span("poll", shown_key(job.endpoint));
    Slot none(run_); // a poll is short, and must not wait for long changes
    BatchSink sink(run_, queues_, outcomes_, job, none);
    std::chrono::milliseconds pause{0};
    try {
        const auto endpoint = run_.endpoints.open(job.queue->provider->name, job.endpoint);
        pause = endpoint->poll(changes_of(job), sink);
    } catch (Error& error) {
        sink.close(error);
    } catch (const std::exception& e) { // polled forever, the step would block the run
        sink.close(as_error(e));
    }
    const std::lock_guard lock(run_.mutex);
    job.queue->polling = false;
    job.queue->next_poll = Clock::now() + pause;
}

Change ChangeJobs::change_of(StepId id) const {
    const Step& step = run_.plan.steps[id];
    const StepWork& work = run_.work[id];
    Change c{.kind = work.kind,
             .address = step.address,
             .type = step.type,
             .identity = run_.identity_now(id),
             .before = step.before,
             .after = work.config,
             .changed = work.changed,
             .again = work.resumed || work.attempts > 0,
             .left_to = step.left_to};
    if (work.observed) c.before = c.before.with_all(work.observed->attributes);
    if (c.kind == Change::Kind::remove) c.after = Value();
    if (c.kind == Change::Kind::create) c.before = Value();
    return c;
}

std::vector<Change> ChangeJobs::changes_of(const Job& job) {
    const std::lock_guard lock(run_.mutex);
    std::vector<Change> changes;
    for (const StepId id : job.steps) changes.push_back(change_of(id));
    return changes;
}

void ChangeJobs::await_slot(const Job& job) {
    const std::lock_guard lock(run_.mutex);
    run_.enter(job.steps.front(), Phase::limited); // the others wait for it
}

/// Reports the start of a job's steps.
void ChangeJobs::announce(const Job& job) {
    const std::lock_guard lock(run_.mutex);
    for (const StepId id : job.steps) {
        run_.result.steps[id].started_ms = now_ms();
        // the changes of a batch run in order, except those that are made in the state only
        if (id == job.steps.front() || run_.state_only(id)) run_.enter(id, Phase::changing);
        run_.events.step_started(run_.plan.steps[id],
                                 doing(run_.plan.steps[id], run_.work[id].kind));
    }
}

/// Changes resources that exist only in the state, including those that become ready as a result.
/// Writes all of them together before any resource with an external effect uses them. A replacement
/// needs no removal first, because there is no real object.
void ChangeJobs::change_in_state(Job job, OpenEndpoint& endpoint) {
    const Span span("change", shown_key(job.endpoint));
    std::vector<Made> made;
    while (!job.steps.empty()) {
        announce(job);
        const std::vector<Change> changes = changes_of(job);
        Gathered results(changes.size());
        try {
            endpoint.apply(changes, results);
        } catch (Error& error) {
            results.errors.assign(changes.size(), error);
        }
        const std::lock_guard lock(run_.mutex);
        for (std::size_t i = 0; i < changes.size(); ++i) {
            const StepId id = job.steps[i];
            if (!results.attributes[i]) {
                outcomes_.fail(id, results.errors[i].value_or(Error(
                                       ErrorKind::failed, "the provider reported no result")));
                continue;
            }
            made.push_back({id, {}});
            if (changes[i].kind != Change::Kind::remove)
                made.back().row = outcomes_.result_row(id, std::move(*results.attributes[i]));
            release_dependents(made.back());
        }
        decisions_.settle_ready();
        job.steps.clear();
        if (!run_.stopping()) queues_.take_changes(*job.queue, job.steps);
    }
    write_made(made);
}

/// Lets dependents that also exist only in the state start before the result is written, unless a
/// postcondition is false, which finish() reports.
void ChangeJobs::release_dependents(const Made& made) {
    StepWork& work = run_.work[made.step];
    if (made.row && run_.plan.steps[made.step].node)
        run_.values[*run_.plan.steps[made.step].node] = made.row->attributes;
    if (outcomes_.broken_postcondition(made.step)) return;
    work.dependents_released = true;
    for (const StepId d : work.dependents)
        if (run_.state_only(d) && --run_.work[d].waiting_for == 0) run_.ready.push_back(d);
}

void ChangeJobs::write_made(const std::vector<Made>& made) {
    std::vector<RecordedResource> rows;
    std::vector<std::string> gone;
    for (const Made& m : made)
        if (!m.row) gone.push_back(run_.plan.steps[m.step].address);
    const std::set<std::string_view> removed(gone.begin(), gone.end());
    for (const Made& m : made) {
        if (!m.row) continue;
        rows.push_back(*m.row);
        if (!run_.makes_first(m.step)) continue;
        // an old object that was removed at the same time is not written
        RecordedResource old = outcomes_.old_generation(m.step);
        if (!removed.contains(old.address)) rows.push_back(std::move(old));
    }
    std::optional<Error> error;
    try {
        run_.store.put(rows, gone);
    } catch (Error& e) {
        error = std::move(e);
    }
    const std::lock_guard lock(run_.mutex);
    for (const Made& m : made) {
        if (error)
            outcomes_.fail(m.step, *error);
        else
            outcomes_.finish_with(m.step, m.row);
    }
}

} // namespace hadeploy
