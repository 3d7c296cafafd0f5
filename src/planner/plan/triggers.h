#pragma once

#include "planner/graph/graph.h"
#include "planner/plan/plan.h"

#include <map>
#include <string>
#include <vector>

namespace hadeploy {

/// The changes planned so far, which can trigger replacements (`replace_triggered_by`).
class PlannedChanges {
  public:
    struct Trigger {
        std::string reason; ///< "web is updated"
        bool if_differs;    ///< whether the step can turn out to change nothing
    };
    void add(NodeId id, Action action, bool if_differs) { changes_[id] = {action, if_differs}; }
    /// Whether the plan reads or changes the object of a node.
    [[nodiscard]] bool touches(NodeId id) const;
    /// The planned changes that trigger a replacement of a node.
    [[nodiscard]] std::vector<Trigger> triggers_of(const Node& node, const Graph& graph) const;

  private:
    struct Change {
        Action action;
        bool if_differs;
    };
    std::map<NodeId, Change> changes_;
};

} // namespace hadeploy
