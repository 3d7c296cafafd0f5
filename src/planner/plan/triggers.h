#pragma once

#include "core/recorded_resource.h"
#include "planner/graph/graph.h"
#include "planner/plan/plan.h"

#include <map>
#include <string>
#include <vector>

namespace hadeploy {

/// Whether a resource is replaced whenever one instance of a `serial` block changes
/// (`replace_triggered_by: [app[each.key]]`). It is removed before the change of this instance, and
/// is created again before the next instance changes. A resource with several instances of the
/// block as triggers is an ordinary dependent of all of them.
/// @param trigger  a trigger of the node
bool follows(const Graph& graph, const Node& node, NodeId trigger);

/// The changes planned so far, which can trigger replacements (`replace_triggered_by`).
class PlannedChanges {
  public:
    struct Trigger {
        std::string reason; ///< "web is updated"
        bool if_differs;    ///< whether the step can turn out to change nothing
        /// Whether the triggered resource is removed before the change: see follows(). Whether the
        /// change is needed is not known then.
        bool follows;
    };
    void add(NodeId id, Action action, bool if_differs) { changes_[id] = {action, if_differs}; }
    /// Whether the plan reads or changes the object of a node.
    [[nodiscard]] bool touches(NodeId id) const;
    /// The planned changes that trigger a replacement of a node.
    [[nodiscard]] std::vector<Trigger> triggers_of(const Node& node, const Graph& graph) const;
    /// Whether the record has to note that this replacement is due, because nothing else would
    /// cause it in the next run if this run fails before it.
    [[nodiscard]] bool must_note(const Step& step, const RecordedResource& recorded,
                                 const Graph& graph) const;

  private:
    struct Change {
        Action action;
        bool if_differs;
    };
    std::map<NodeId, Change> changes_;
};

/// Adds a notice for each block whose instances are replaced because of all instances of a `serial`
/// block, although each could follow its own instance.
void add_trigger_notices(Plan& plan, const Graph& graph);

} // namespace hadeploy
