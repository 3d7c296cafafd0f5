#pragma once

#include "planner/plan/plan.h"
#include "planner/plan/prior_state.h"

namespace hadeploy {

/// Explains why a plan changes a resource, from the same data that apply uses.
struct Why {
    /// The origin of a difference.
    enum class Origin {
        spec,  ///< the spec has changed since it was last applied
        drift, ///< the spec is unchanged: something else changed the object
        later, ///< the desired value is known only after other steps
    };
    struct Cause {
        AttributeChange change;
        Origin origin = Origin::spec;
        Loc loc = {}; ///< location of the attribute in the spec, if the spec has it
        std::vector<std::string> from = {}; ///< changing resources to which its expression refers
    };
    std::string address;
    std::optional<StepId> step; ///< none: nothing to do
    Loc loc = {};               ///< location of the block in the spec; unknown if there is none
    std::vector<Cause> causes = {};
    std::vector<std::string> triggers = {};  ///< resources whose changes replace it
    std::vector<std::string> waits_for = {}; ///< resources whose steps come first
    /// For a replacement: resources whose steps come before the removal of the old object.
    std::vector<std::string> removed_after = {};
    std::vector<std::string> depends_on = {}; ///< direct dependencies, from the spec or, if the
                                              ///< spec does not have the resource, from the state
};

/// The explanation of one resource, followed by the explanations of the resources that caused its
/// change. Each resource occurs once; the order is breadth first.
/// @throws Error(usage) if neither the spec nor the state has it
std::vector<Why> explain(const std::string& address, const Plan& plan, const Graph& graph,
                         const PriorState& prior);

} // namespace hadeploy
