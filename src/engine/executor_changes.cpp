// Jobs that apply changes: intents, changes, results.
#include "engine/executor.h"

#include "core/clock.h"
#include "core/secrecy.h"
#include "core/trace.h"
#include "engine/executor_slot.h"
#include "planner/graph/hide_secrets.h"
#include "planner/plan/observed.h"
#include "planner/plan/prior_state.h"

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
} // namespace

/// Passes the results of a batch to the executor.
class BatchSink : public ChangeSink {
  public:
    BatchSink(Executor& executor, const std::vector<StepId>& steps, Executor::Slot& slot)
        : executor_(executor), steps_(steps), slot_(slot), settled_(steps.size()),
          open_(steps.size()) {}

    void progress(std::size_t index, std::string_view step) override {
        const std::lock_guard lock(executor_.mutex_);
        const Step& of = executor_.plan_.steps[steps_[index]];
        const Value& config = executor_.work_[steps_[index]].config;
        executor_.events_.step_progress(
            of, without_secrets(without_secrets(std::string(step), config), of.before));
    }
    /// Writes the result without holding the lock, so that results at the same time share a sync.
    void done(std::size_t index, Value attributes) override {
        const StepId id = steps_[index];
        std::int64_t intent = 0;
        std::optional<RecordedResource> row;
        {
            const std::lock_guard lock(executor_.mutex_);
            settle(index);
            intent = executor_.work_[id].intent;
            begin_next(index);
            if (executor_.work_[id].kind != Change::Kind::remove)
                row = executor_.result_row(id, std::move(attributes));
        }
        std::optional<Error> unwritten = write(id, intent, row);
        const std::lock_guard lock(executor_.mutex_);
        if (unwritten) // the intent is kept, so that the next run finds and adopts the object
            executor_.fail(id, std::move(*unwritten));
        else
            executor_.finish_with(id, row);
        executor_.changed_.notify_one();
    }
    void failed(std::size_t index, Error error) override {
        const std::lock_guard lock(executor_.mutex_);
        settle(index);
        executor_.retry_or_fail(steps_[index], std::move(error));
        executor_.changed_.notify_one();
    }

    /// Queues the change again. This does not count as an attempt, as any number of earlier
    /// failures in a batch can cause it.
    void not_begun(std::size_t index) override {
        const std::lock_guard lock(executor_.mutex_);
        settle(index);
        executor_.enqueue(steps_[index], false);
        executor_.changed_.notify_one();
    }

    /// Changes of a batch run in order: the next one starts when one ends.
    void begin_next(std::size_t index) {
        if (index + 1 < steps_.size())
            executor_.result_.steps[steps_[index + 1]].started_ms = now_ms();
    }

    /// Fails all changes for which the provider reported no result.
    void close(const Error& error) {
        for (std::size_t i = 0; i < steps_.size(); ++i)
            if (!settled_[i]) failed(i, error);
    }

  private:
    /// Gives the slot back after the last change, so that another job runs during the write.
    void settle(std::size_t index) {
        settled_[index] = true;
        if (--open_ == 0) slot_.give_back();
    }

    std::optional<Error> write(StepId id, std::int64_t intent,
                               const std::optional<RecordedResource>& row) {
        try {
            if (row && executor_.makes_first(id))
                executor_.write_generations(id, *row);
            else if (row)
                executor_.store_.finish(intent, *row);
            else
                executor_.store_.finish_removed(intent, executor_.plan_.steps[id].address);
            return std::nullopt;
        } catch (Error& error) {
            return std::move(error);
        }
    }

    Executor& executor_;
    const std::vector<StepId>& steps_;
    Executor::Slot& slot_;
    std::vector<bool> settled_;
    std::size_t open_; ///< not settled
};

void Executor::run_changes(const Job& job) {
    std::shared_ptr<OpenEndpoint> endpoint;
    try {
        endpoint = endpoints_.open(job.queue->provider->name, job.queue->endpoint);
    } catch (Error& error) {
        const std::lock_guard lock(mutex_);
        for (const StepId id : job.steps) retry_or_fail(id, error);
        return;
    } catch (const Interrupted&) {
        return put_back(job);
    }
    if (job.queue->provider->state_only) return change_in_state(job, *endpoint);
    Slot slot(*this);
    change(job, *endpoint, slot);
}

/// Changes resources that exist only in the state, including those that become ready by this, and
/// writes all of them together before any resource with an external effect uses them. A replacement
/// needs no removal first, as there is no real object.
void Executor::change_in_state(Job job, OpenEndpoint& endpoint) {
    const Span span("change", shown_key(job.queue->endpoint));
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
        const std::lock_guard lock(mutex_);
        for (std::size_t i = 0; i < changes.size(); ++i) {
            const StepId id = job.steps[i];
            if (!results.attributes[i]) {
                fail(id, results.errors[i].value_or(
                             Error(ErrorKind::failed, "the provider reported no result")));
                continue;
            }
            made.push_back({id, {}});
            if (changes[i].kind != Change::Kind::remove)
                made.back().row = result_row(id, std::move(*results.attributes[i]));
            release_dependents(made.back());
        }
        settle_ready();
        job.steps.clear();
        if (!stopping()) take_changes(*job.queue, job.steps);
    }
    write_made(made);
}

/// Lets dependents that also exist only in the state start before the result is written, unless a
/// postcondition is violated, which finish() reports.
void Executor::release_dependents(const Made& made) {
    Work& work = work_[made.step];
    if (made.row && plan_.steps[made.step].node)
        values_[*plan_.steps[made.step].node] = made.row->attributes;
    if (broken_postcondition(made.step)) return;
    work.dependents_released = true;
    for (const StepId d : work.dependents)
        if (state_only(d) && --work_[d].waiting_for == 0) ready_.push_back(d);
}

void Executor::write_made(const std::vector<Made>& made) {
    std::vector<RecordedResource> rows;
    std::vector<std::string> gone;
    for (const Made& m : made)
        if (!m.row) gone.push_back(plan_.steps[m.step].address);
    const std::set<std::string_view> removed(gone.begin(), gone.end());
    for (const Made& m : made) {
        if (!m.row) continue;
        rows.push_back(*m.row);
        if (!makes_first(m.step)) continue;
        // an old object that was removed at the same time is not written
        RecordedResource old = old_generation(m.step);
        if (!removed.contains(old.address)) rows.push_back(std::move(old));
    }
    std::optional<Error> error;
    try {
        store_.put(rows, gone);
    } catch (Error& e) {
        error = std::move(e);
    }
    const std::lock_guard lock(mutex_);
    for (const Made& m : made) {
        if (error)
            fail(m.step, *error);
        else
            finish_with(m.step, m.row);
    }
}

std::vector<Change> Executor::changes_of(const Job& job) {
    const std::lock_guard lock(mutex_);
    std::vector<Change> changes;
    for (const StepId id : job.steps) changes.push_back(change_of(id));
    return changes;
}

/// Reports the start of a job's steps.
void Executor::announce(const Job& job) {
    const std::lock_guard lock(mutex_);
    for (const StepId id : job.steps) {
        result_.steps[id].started_ms = now_ms();
        events_.step_started(plan_.steps[id], doing(plan_.steps[id], work_[id].kind));
    }
}

/// The config with the names of the changed attributes. If the run is interrupted, they are changed
/// again, as attributes that cannot be read may have any value.
Value Executor::with_changed_names(const Work& work) {
    Value::List names(work.changed.begin(), work.changed.end());
    return work.config.with(kChangedNames, Value::list(std::move(names)));
}

Intent Executor::intent_of(StepId id, const Change& change) const {
    const Step& step = plan_.steps[id];
    const Work& work = work_[id];
    const bool removing = work.kind == Change::Kind::remove;
    return {.run = run_,
            .address = journal_address(id),
            .type = step.type->name,
            .generation = generation_of(id),
            .action = work.kind,
            .identity = change.identity,
            .config = removing                            ? Value()
                      : work.kind == Change::Kind::update ? with_changed_names(work)
                                                          : work.config,
            .depends_on = dependencies_of(step),
            .started_ms = now_ms()};
}

/// Writes the intents of a job; without them it must not start. A retried change already has one.
bool Executor::journal(const Job& job, std::vector<Intent>& intents) {
    std::vector<std::size_t> fresh;
    std::vector<Intent> begun;
    {
        const std::lock_guard lock(mutex_);
        for (std::size_t i = 0; i < intents.size(); ++i) {
            intents[i].id = work_[job.steps[i]].intent;
            if (intents[i].id != 0) continue;
            fresh.push_back(i);
            begun.push_back(intents[i]);
        }
    }
    std::optional<Error> unwritten;
    try {
        if (!begun.empty()) store_.begin(begun);
    } catch (Error& error) {
        unwritten = std::move(error);
    }
    const std::lock_guard lock(mutex_);
    for (std::size_t k = 0; k < fresh.size(); ++k)
        work_[job.steps[fresh[k]]].intent = intents[fresh[k]].id = begun[k].id;
    if (unwritten)
        for (const StepId id : job.steps) fail(id, *unwritten);
    return !unwritten;
}

/// Removes the intents of a job that a stop prevented from starting. Keeps those of changes that
/// were started before by this or an earlier run, as they are the only record of them.
void Executor::withdraw(const Job& job, std::vector<Intent> intents) {
    {
        const std::lock_guard lock(mutex_);
        for (std::size_t i = job.steps.size(); i-- > 0;) {
            Work& work = work_[job.steps[i]];
            if (work.resumed || work.attempts > 0)
                intents.erase(intents.begin() + static_cast<std::ptrdiff_t>(i));
            else
                work.intent = 0;
        }
    }
    try {
        store_.withdraw(intents);
    } catch (Error& error) {
        const std::lock_guard lock(mutex_);
        for (const StepId id : job.steps) fail(id, error);
        return;
    }
    put_back(job);
}

/// After a stop, removes the intents of changes that were not started in their batch.
void Executor::withdraw_rest() {
    std::vector<Intent> intents;
    for (const Work& work : work_)
        if (work.state == State::to_change && work.intent != 0 && !work.resumed &&
            work.attempts == 0)
            intents.emplace_back().id = work.intent;
    try {
        store_.withdraw(intents);
    } catch (Error& error) {
        result_.errors.push_back(std::move(error));
    }
}

void Executor::put_back(const Job& job) {
    const std::lock_guard lock(mutex_);
    for (const StepId id : job.steps)
        if (work_[id].state == State::running || work_[id].state == State::to_read)
            enqueue(id, job.read);
}

void Executor::change(const Job& job, OpenEndpoint& endpoint, Slot& slot) {
    const Span span("change", shown_key(job.queue->endpoint));
    const std::vector<Change> changes = changes_of(job);
    std::vector<Intent> intents;
    for (std::size_t i = 0; i < changes.size(); ++i)
        intents.push_back(intent_of(job.steps[i], changes[i]));
    if (!journal(job, intents)) return;
    if (!slot.take()) return withdraw(job, std::move(intents));
    announce(job);
    BatchSink sink(*this, job.steps, slot);
    try {
        endpoint.apply(changes, sink);
        sink.close(Error(ErrorKind::failed, "the provider reported no result"));
    } catch (Error& error) {
        sink.close(error);
    }
}

Change Executor::change_of(StepId id) const {
    const Step& step = plan_.steps[id];
    const Work& work = work_[id];
    Change c{.kind = work.kind,
             .address = step.address,
             .type = step.type,
             .identity = identity_now(id),
             .before = step.before,
             .after = work.config,
             .changed = work.changed,
             .left_to = step.left_to};
    if (work.observed) c.before = c.before.with_all(work.observed->attributes);
    if (c.kind == Change::Kind::remove) c.after = Value();
    if (c.kind == Change::Kind::create) c.before = Value();
    return c;
}

} // namespace hadeploy
