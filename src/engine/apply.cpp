#include "engine/apply.h"

#include "engine/executor.h"
#include "planner/plan/generations.h"
#include "planner/plan/output_changes.h"
#include "planner/plan/prior_state.h"

#include <algorithm>

namespace hadeploy {

std::string_view phase_name(Phase phase) {
    switch (phase) {
    case Phase::queued: return "queued";
    case Phase::limited: return "limited";
    case Phase::reading: return "reading";
    case Phase::changing: return "changing";
    case Phase::polled: return "polled";
    case Phase::pausing: return "pausing";
    }
    return "";
}

std::size_t ApplyResult::count(StepResult result) const {
    return static_cast<std::size_t>(std::count_if(
        steps.begin(), steps.end(), [&](const StepRun& s) { return s.result == result; }));
}

void note_records(const Plan& plan, Store& store) {
    if (plan.moves.empty())
        store.put(plan.records, {}); // also removes open intents at their addresses
    else
        store.move(plan.moves, plan.records, moved_intents(store.intents(), plan.moves));
}

ApplyResult apply(const Plan& plan, const Graph* graph, const PriorState& prior, Store& store,
                  Endpoints& endpoints, const ProviderSettings& settings, Events& events,
                  std::int64_t run, const ApplyOptions& options) {
    const PriorState after =
        makes_first(plan) ? with_old_generations(prior, plan, endpoints.registry()) : PriorState();
    Executor executor(plan, graph, makes_first(plan) ? after : prior, store, endpoints, settings,
                      events, run, options);
    ApplyResult result = executor.run();
    if (graph != nullptr && !plan.destroy) {
        executor.check_inputs(result.errors);
        Diagnostics diagnostics;
        result.outputs = executor.outputs(diagnostics);
        result.outputs = outputs_after(plan, result.outputs, store.outputs());
        result.warnings = executor.broken_checks();
        if (result.ok()) store.set_outputs(result.outputs);
    } else if (plan.partial) {
        result.outputs = store.outputs();
    } else if (result.ok()) {
        store.set_outputs(Value::map({}));
    }
    return result;
}

CriticalPath critical_path(const Plan& plan, const ApplyResult& result) {
    const auto length = [&](StepId id) {
        const auto& r = result.steps[id];
        return std::max<std::int64_t>(0, r.ended_ms - r.started_ms);
    };
    std::vector<std::int64_t> total(plan.steps.size());
    std::vector<std::optional<StepId>> from(plan.steps.size());
    CriticalPath out;
    std::optional<StepId> last;
    for (StepId id = 0; id < plan.steps.size(); ++id) {
        for (const StepId before : plan.steps[id].after_steps)
            if (total[before] >= total[id]) total[id] = total[before], from[id] = before;
        total[id] += length(id);
        if (!last || total[id] > out.milliseconds) out.milliseconds = total[id], last = id;
    }
    for (; last; last = from[*last]) out.steps.push_back(*last);
    std::reverse(out.steps.begin(), out.steps.end());
    return out;
}

} // namespace hadeploy
