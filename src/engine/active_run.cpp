#include "engine/active_run.h"

#include "core/clock.h"
#include "planner/plan/generations.h"

#include <algorithm>

namespace hadeploy {

ActiveRun::ActiveRun(const Plan& plan, const Graph* graph, const PriorState& prior, Store& store,
                     Endpoints& endpoints, const ProviderSettings& settings, Events& events,
                     std::int64_t run, const ApplyOptions& options)
    : plan(plan), graph(graph), prior(prior), store(store), endpoints(endpoints),
      settings(settings), events(events), id(run),
      options(options), slots{std::clamp<std::size_t>(options.parallelism, 1, 256)},
      work(plan.steps.size()), values(plan.values), open(plan.steps.size()) {
    result.steps.resize(plan.steps.size());
    for (StepId id = 0; id < plan.steps.size(); ++id) {
        work[id].waiting_for = plan.steps[id].after_steps.size();
        for (const StepId before : plan.steps[id].after_steps)
            work[before].dependents.push_back(id);
        (plan.steps[id].first_half ? half_of : step_of)[plan.steps[id].address] = id;
        work[id].resumed = plan.resumed.contains(plan.steps[id].address) ||
                           plan.resumed.contains(journal_address(id));
        if (work[id].waiting_for == 0) ready.push_back(id);
    }
    for (StepId id = static_cast<StepId>(plan.steps.size()); id-- > 0;)
        for (const StepId before : plan.steps[id].after_steps)
            work[before].height = std::max(work[before].height, work[id].height + 1);
}

void ActiveRun::enter(StepId id, Phase phase) {
    result.steps[id].phases.push_back({phase, now_ms()});
}

bool ActiveRun::is_finished(StepId id) const {
    const StepState state = work[id].state;
    return state == StepState::done || state == StepState::failed || state == StepState::skipped;
}

bool ActiveRun::state_only(StepId id) const {
    return endpoints.registry().provider(plan.steps[id].type->provider)->state_only;
}

std::int64_t ActiveRun::generation_of(StepId id) const {
    const Step& step = plan.steps[id];
    if (work[id].next_generation != 0) return work[id].next_generation;
    return work[id].is_kept ? prior.recorded.at(step.address).generation : step.generation;
}

std::string ActiveRun::identity_now(StepId id) const {
    const Step& step = plan.steps[id];
    if (work[id].next_generation != 0)
        return identity_of(prior.lineage, step.address, work[id].next_generation);
    return work[id].is_kept ? prior.recorded.at(step.address).identity : step.identity;
}

std::string ActiveRun::journal_address(StepId id) const {
    const Step& step = plan.steps[id];
    return makes_first(id) ? generation_address(step.address, step.generation) : step.address;
}

std::vector<std::string> ActiveRun::dependencies_of(const Step& step) const {
    if (step.node) return graph->dependencies(*step.node);
    return prior.recorded.at(step.address).depends_on;
}

} // namespace hadeploy
