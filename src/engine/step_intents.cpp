#include "engine/step_intents.h"

#include "core/clock.h"

namespace hadeploy {

namespace {
/// The config with the names of the changed attributes. After an interrupted run these are changed
/// again, because attributes that cannot be read may have any value.
Value with_changed_names(const StepWork& work) {
    Value::List names(work.changed.begin(), work.changed.end());
    return work.config.with(kChangedNames, Value::list(std::move(names)));
}
} // namespace

Intent StepIntents::intent_of(StepId id, const Change& change) const {
    const Step& step = run_.plan.steps[id];
    const StepWork& work = run_.work[id];
    const bool removing = work.kind == Change::Kind::remove;
    return {.run = run_.id,
            .address = run_.journal_address(id),
            .type = step.type->name,
            .generation = run_.generation_of(id),
            .action = work.kind,
            .identity = change.identity,
            .config = removing                            ? Value()
                      : work.kind == Change::Kind::update ? with_changed_names(work)
                                                          : work.config,
            .depends_on = run_.dependencies_of(step),
            .started_ms = now_ms()};
}

bool StepIntents::begin(const Job& job, std::vector<Intent>& intents) {
    std::vector<std::size_t> fresh;
    std::vector<Intent> begun;
    {
        const std::lock_guard lock(run_.mutex);
        for (std::size_t i = 0; i < intents.size(); ++i) {
            intents[i].id = run_.work[job.steps[i]].intent;
            if (intents[i].id != 0) continue;
            fresh.push_back(i);
            begun.push_back(intents[i]);
        }
    }
    std::optional<Error> unwritten;
    try {
        if (!begun.empty()) run_.store.begin(begun);
    } catch (Error& error) {
        unwritten = std::move(error);
    }
    const std::lock_guard lock(run_.mutex);
    for (std::size_t k = 0; k < fresh.size(); ++k)
        run_.work[job.steps[fresh[k]]].intent = intents[fresh[k]].id = begun[k].id;
    if (unwritten)
        for (const StepId id : job.steps) outcomes_.fail(id, *unwritten);
    return !unwritten;
}

void StepIntents::withdraw(const Job& job, std::vector<Intent> intents) {
    {
        const std::lock_guard lock(run_.mutex);
        for (std::size_t i = job.steps.size(); i-- > 0;) {
            StepWork& work = run_.work[job.steps[i]];
            if (work.resumed || work.attempts > 0)
                intents.erase(intents.begin() + static_cast<std::ptrdiff_t>(i));
            else
                work.intent = 0;
        }
    }
    try {
        run_.store.withdraw(intents);
    } catch (Error& error) {
        const std::lock_guard lock(run_.mutex);
        for (const StepId id : job.steps) outcomes_.fail(id, error);
        return;
    }
    queues_.put_back(job);
}

void StepIntents::withdraw_rest() {
    std::vector<Intent> intents;
    for (const StepWork& work : run_.work)
        if (work.state == StepState::to_change && work.intent != 0 && !work.resumed &&
            work.attempts == 0)
            intents.emplace_back().id = work.intent;
    try {
        run_.store.withdraw(intents);
    } catch (Error& error) {
        run_.result.errors.push_back(std::move(error));
    }
}

} // namespace hadeploy
