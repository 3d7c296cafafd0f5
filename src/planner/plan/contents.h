#pragma once

#include "planner/graph/claims.h"
#include "planner/plan/plan.h"
#include "planner/plan/prior_state.h"
#include "planner/plan/step_order.h"

#include <map>
#include <string>

namespace hadeploy {

// Objects that lie within others, and are removed with them (ResourceType::takes_along).

/// Adds an error for each removal that would delete a kept object together with the directory, or
/// similar, that contains it (ResourceType::takes_along). Contents that are created again together
/// with their container are created after its removal.
/// @param graph    nullptr: everything is removed
/// @param claims   of the spec
/// @param takings  receives such an order
void refuse_removal_of_kept_contents(const Plan& plan, const PriorState& prior,
                                     const Registry& registry, const Graph* graph,
                                     const Claims& claims, std::vector<Taking>& takings,
                                     Diagnostics& diagnostics);

/// The objects whose replacement removes everything within them.
class EmptiedObjects {
  public:
    explicit EmptiedObjects(const Graph& graph) : graph_(graph) {}

    struct Object {
        std::string address;
        bool if_differs; ///< replaced only if it differs
    };
    /// @param half  the first half of a replacement
    void add(const Step& half);
    /// The one that contains a node's recorded object and that the node depends on; nullptr if
    /// there is none.
    [[nodiscard]] const Object* around(const Node& node, const RecordedResource& recorded) const;

  private:
    const Graph& graph_;
    std::map<std::string, Object> objects_; ///< by the prefix of the claims of their contents
};

} // namespace hadeploy
