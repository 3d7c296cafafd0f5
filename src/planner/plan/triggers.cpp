#include "planner/plan/triggers.h"

#include <fmt/format.h>

namespace hadeploy {

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
        if (change.action != Action::read)
            out.push_back({fmt::format("{} is {}d", graph[t].address, action_name(change.action)),
                           change.if_differs});
    }
    return out;
}

} // namespace hadeploy
