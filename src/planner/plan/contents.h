#pragma once

#include "planner/graph/claims.h"
#include "planner/plan/plan.h"
#include "planner/plan/prior_state.h"
#include "planner/plan/step_order.h"

#include <map>
#include <string>

namespace hadeploy {

// Objects that lie in others, and are removed with them (ResourceType::takes_along).

/// Adds an error for each removal that would delete the contents of a directory, or the like
/// (ResourceType::takes_along), in which an object lies that is kept. Contents that are made again
/// with what they are in are made after that was removed.
/// @param graph    may be none: everything is removed
/// @param claims   of the spec
/// @param takings  such an order is added to them
void refuse_removal_of_kept_contents(const Plan& plan, const PriorState& world,
                                     const Registry& registry, const Graph* graph,
                                     const Claims& claims, std::vector<Taking>& takings,
                                     Diagnostics& diagnostics);

/// The objects that replacements empty: they remove all that is in them.
class EmptiedObjects {
  public:
    explicit EmptiedObjects(const Graph& graph) : graph_(graph) {}

    struct Object {
        std::string address;
        bool if_differs; ///< it is replaced only if it differs
    };
    /// @param half  the first half of a replacement
    void add(const Step& half);
    /// The one that a recorded object of the node lies in, and that the node depends on; nullptr
    /// for none.
    [[nodiscard]] const Object* around(const Node& node, const RecordedResource& recorded) const;

  private:
    const Graph& graph_;
    std::map<std::string, Object> objects_; ///< by what the claims of the contents begin with
};

} // namespace hadeploy
