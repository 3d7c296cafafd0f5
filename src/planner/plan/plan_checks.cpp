#include "planner/plan/plan_checks.h"

#include "planner/plan/moves.h"
#include "planner/plan/prior_state.h"
#include "planner/spec/address.h"

#include <algorithm>
#include <fmt/format.h>

namespace hadeploy {

void refuse_moved_but_there(const Graph& graph, Diagnostics& diagnostics) {
    for (const Move& m : graph.spec().moved)
        for (const Node& n : graph.nodes()) {
            if (!is_moved(m, n.address)) continue;
            diagnostics.add(fmt::format("moved: {} is still in the spec", n.address), m.loc)
                .with_note("here", n.block->loc)
                .hint = "delete the move, or the block with the old name";
            break;
        }
}

void refuse_removed_but_there(const Graph& graph, Diagnostics& diagnostics) {
    for (const Dependency& r : graph.spec().removed)
        for (const Node& n : graph.nodes())
            if (within(n.address, r.name)) {
                diagnostics.add(fmt::format("removed: {} is still in the spec", n.address), r.loc)
                    .with_note("here", n.block->loc)
                    .hint = "delete the entry, or the block";
                break;
            }
}

void add_look_alike_notices(Plan& plan, const std::map<std::string, std::string>& look_alikes) {
    constexpr std::size_t most = 5;
    std::size_t count = 0;
    for (const auto& [made, removed] : look_alikes)
        if (++count <= most)
            plan.notices.push_back(
                fmt::format("{0} is removed and {1}, which has the same attributes, is created; if "
                            "they are the same object: moved: [{{from: '{0}', to: '{1}'}}]",
                            removed, made));
    if (count > most) plan.notices.push_back(fmt::format("and {} more such pairs", count - most));
}

void add_unmatched_removed_notices(Plan& plan, const PriorState& prior, const Spec& spec) {
    if (plan.count(Action::remove) == 0) return;
    for (const Dependency& r : spec.removed)
        if (std::none_of(prior.recorded.begin(), prior.recorded.end(),
                         [&](const auto& entry) { return within(entry.first, r.name); }))
            plan.notices.push_back(fmt::format("removed: {} matches nothing in the state", r.name));
}

} // namespace hadeploy
