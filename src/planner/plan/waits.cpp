#include "planner/plan/waits.h"

#include "planner/plan/removal.h"

#include <algorithm>

namespace hadeploy {

void Waits::inherit(NodeId id) {
    std::set<StepId> all;
    for (const NodeId d : graph_[id].deps) {
        all.insert(waits_for_[d].begin(), waits_for_[d].end());
        if (is_serial_pair(graph_[id], graph_[d])) continue; // neither depends on the other
        below_[id].removed = std::max(below_[id].removed, below_[d].removed);
        below_[id].known_after.insert(below_[d].known_after.begin(), below_[d].known_after.end());
    }
    waits_for_[id] = std::move(all);
}

const Step& Waits::add_first_half(NodeId id, Step& step, const RecordedResource& recorded) {
    const Base below = below_[id];
    if (below.removed == Base::Removed::yes) step.if_differs = false;
    Base& base = below_[id];
    base.removed = step.if_differs ? Base::Removed::perhaps : Base::Removed::yes;
    if (below.removed == Base::Removed::no) base.known_after = waits_for_[id];
    Step& half = halves_.emplace_back(step);
    half.action = Action::remove;
    half.before = with_removal_options(*step.type, step.before, step.after);
    half.node.reset();
    half.generation = recorded.generation;
    half.identity = recorded.identity;
    half.after = {};
    half.changes.clear();
    half.first_half = true;
    half.after_steps.clear();
    if (half.if_differs) half.after_steps.assign(base.known_after.begin(), base.known_after.end());
    return half;
}

} // namespace hadeploy
