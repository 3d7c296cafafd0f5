#include "planner/plan/make_plan.h"

#include "core/trace.h"
#include "planner/plan/data_loss.h"
#include "planner/plan/interrupted.h"
#include "planner/plan/plan_once.h"
#include "planner/plan/rounds.h"

#include <algorithm>
#include <utility>

namespace hadeploy {

namespace {

/// Whether the plan removes an object that the machines still use.
bool removes_under(const Plan& plan, const std::set<std::string>& held, const PriorState& prior) {
    const std::set<std::string> used = used_by(held, prior);
    return std::any_of(plan.steps.begin(), plan.steps.end(), [&](const Step& s) {
        return s.action == Action::remove && used.contains(s.address);
    });
}

/// Of the machines that cannot be taken down together, leaves all but the first for later plans.
Plan plan_in_turns(const Graph& graph, const PriorState& prior, const ProviderSettings& settings,
                   const PlanOptions& options, const Evaluation* evaluation) {
    const auto without = [&](std::set<std::string> held) {
        return plan_once(graph, prior, settings, options, evaluation, std::move(held));
    };
    Plan plan = without({});
    std::vector<Turn> turns = find_turns(plan, prior, graph);
    if (turns.empty()) return plan;
    std::set<std::string> held;
    for (const Turn& turn : turns) held.insert(turn.addresses.begin(), turn.addresses.end());
    Plan calm = without(held);
    const bool first_of_all =
        options.hold || concerns_clusters(calm, turns, prior, graph.registry());
    if (!first_of_all) {
        for (const std::string& address : turns.front().addresses) held.erase(address);
        turns.erase(turns.begin());
        if (turns.empty()) return plan;
    }
    Plan next = first_of_all ? std::move(calm) : without(held);
    if (removes_under(next, held, prior)) {
        plan.notices.emplace_back(
            "the machines of a cluster are taken down together, because an object that all of them "
            "use is replaced; with lifecycle: {create_before_destroy: true} on that object they "
            "are taken down one at a time");
        return plan;
    }
    next.later = std::move(turns);
    return next;
}

} // namespace

Plan make_plan(const Graph& graph, const PriorState& prior, const ProviderSettings& settings,
               const PlanOptions& options, const Evaluation* evaluation) {
    const Span span("plan");
    Plan plan = plan_in_turns(graph, prior, settings, options, evaluation);
    plan.outputs_before = prior.outputs;
    note_interrupted(plan, prior);
    follow_quorums(plan, prior, graph.registry());
    plan.losses = find_losses(plan, prior, graph.registry());
    return plan;
}

} // namespace hadeploy
