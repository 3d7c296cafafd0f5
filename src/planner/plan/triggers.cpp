#include "planner/plan/triggers.h"

#include <algorithm>
#include <fmt/format.h>
#include <set>

namespace hadeploy {

bool follows(const Graph& graph, const Node& node, NodeId trigger) {
    return graph[trigger].block->serial &&
           std::none_of(node.triggers.begin(), node.triggers.end(), [&](NodeId other) {
               return other != trigger && is_serial_pair(graph[trigger], graph[other]);
           });
}

bool PlannedChanges::touches(NodeId id) const {
    const auto it = changes_.find(id);
    return it != changes_.end() && it->second.action != Action::adopt;
}

std::vector<PlannedChanges::Trigger> PlannedChanges::triggers_of(const Node& node,
                                                                 const Graph& graph) const {
    std::vector<Trigger> out;
    for (const NodeId t : node.triggers) {
        if (!touches(t)) continue;
        const Change& change = changes_.at(t);
        if (change.action == Action::read) continue;
        const bool leaves_first = follows(graph, node, t);
        out.push_back({fmt::format("{} is {}d", graph[t].address, action_name(change.action)),
                       change.if_differs && !leaves_first, leaves_first});
    }
    return out;
}

bool PlannedChanges::must_note(const Step& step, const RecordedResource& recorded,
                               const Graph& graph) const {
    if (step.action != Action::replace || step.if_differs || !step.changes.empty() ||
        recorded.tainted || recorded.type != step.type->name)
        return false;
    const std::vector<Trigger> triggers = triggers_of(graph[*step.node], graph);
    // if it is removed before the change that triggers it, this change is still due
    return step.create_first ||
           std::none_of(triggers.begin(), triggers.end(),
                        [&](const Trigger& t) { return t.follows && t.reason == step.reason; });
}

void add_trigger_notices(Plan& plan, const Graph& graph) {
    std::set<const ResourceBlock*> noted;
    for (const Step& step : plan.steps) {
        if (!step.node || step.action != Action::replace || !graph[*step.node].instance) continue;
        const Node& node = graph[*step.node];
        const auto all = std::find_if(node.triggers.begin(), node.triggers.end(), [&](NodeId t) {
            return graph[t].block->serial && !follows(graph, node, t);
        });
        if (all == node.triggers.end() || !noted.insert(node.block).second) continue;
        const std::string& name = graph[*all].block->name;
        plan.notices.push_back(fmt::format(
            "{} is replaced because of all instances of {}, which change one at a time; "
            "to replace it with its own instance, write replace_triggered_by: "
            "['{}[each.key]']",
            step.address, name, name));
    }
}

} // namespace hadeploy
