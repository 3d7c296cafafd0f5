#pragma once

#include "planner/graph/claims.h"
#include "planner/plan/plan.h"
#include "planner/plan/prior_state.h"
#include "planner/plan/step_order.h"

#include <map>
#include <string>
#include <vector>

namespace hadeploy {

// Objects that lie within others (ResourceType::contains).

/// Adds an error for each removal of a container, such as a directory, that would delete a kept
/// object in it (ResourceType::removes_contents), or would fail because of that object. Contents
/// are removed before their container. Contents that are created again together with their
/// container are created after its removal.
/// @param graph    nullptr: everything is removed
/// @param claims   claims of the spec's resources
/// @param takings  receives the order of these steps
void refuse_removal_of_kept_contents(const Plan& plan, const PriorState& prior,
                                     const Registry& registry, const Graph* graph,
                                     const Claims& claims, std::vector<Taking>& takings,
                                     Diagnostics& diagnostics);

/// The containers whose replacement requires the replacement of everything within them.
class EmptiedObjects {
  public:
    explicit EmptiedObjects(const Graph& graph) : graph_(graph) {}

    struct Object {
        std::string address;
        bool if_differs; ///< replaced only if it differs
        /// Prefix of the claims of everything within the new object; "" if not known.
        std::string prefix;
        /// Whether an object with these claims can be created within the new object.
        [[nodiscard]] bool has_room_for(const std::vector<std::string>& claims) const {
            return prefix.empty() || claims.empty() || claims.front().starts_with(prefix);
        }
    };
    /// @param half  the first half of a replacement
    /// @param next  the config of the new object
    void add(const Step& half, const Value& next);
    /// The container of a node's recorded object, if the node depends on it; otherwise nullptr.
    [[nodiscard]] const Object* around(const Node& node, const RecordedResource& recorded) const;

  private:
    const Graph& graph_;
    /// Containers by the prefix of the claims of everything within them.
    std::map<std::string, Object> objects_;
};

} // namespace hadeploy
