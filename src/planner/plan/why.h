#pragma once

#include "planner/plan/plan.h"
#include "planner/plan/prior_state.h"

namespace hadeploy {

/// Explains why a plan changes a resource, from the same data that apply uses.
struct Why {
    /// The origin of a difference.
    enum class Origin {
        spec,  ///< the spec has changed since it was last applied
        drift, ///< the spec is the same: something else changed the object
        later, ///< the desired value is known only after other steps
    };
    struct Cause {
        AttributeChange change;
        Origin origin = Origin::spec;
        Loc loc = {};                       ///< of the attribute in the spec, if it is there
        std::vector<std::string> from = {}; ///< changing resources that its expression refers to
    };
    std::string address;
    std::optional<StepId> step; ///< none: nothing to do
    Loc loc = {};               ///< its block in the spec; unknown if there is none
    std::vector<Cause> causes = {};
    std::vector<std::string> triggers = {};  ///< resources whose changes replace it
    std::vector<std::string> waits_for = {}; ///< resources whose steps come first
    /// Of a replacement: resources whose steps come before the removal of the old object.
    std::vector<std::string> removed_after = {};
    std::vector<std::string> depends_on = {}; ///< directly; from the spec, else from the state
};

/// The explanation of one resource, followed by those of the resources that caused its change, each
/// once, breadth first.
/// @throws Error(usage) if neither the spec nor the state has it
std::vector<Why> explain(const std::string& address, const Plan& plan, const Graph& graph,
                         const PriorState& prior);

} // namespace hadeploy
