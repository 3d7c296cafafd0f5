#pragma once

#include "planner/plan/plan.h"
#include "planner/plan/prior_state.h"

namespace hadeploy {

/// Why a plan does to a resource what it does, out of the same data that apply goes by.
struct Why {
    /// Where a difference comes from.
    enum class Origin {
        spec,  ///< the spec wants something else than when it was last applied
        drift, ///< the spec wants the same, but it was changed elsewhere
        later, ///< what is wanted is known only once others are made
    };
    struct Cause {
        AttributeChange change;
        Origin origin = Origin::spec;
        Loc loc = {};                       ///< the attribute in the spec; unknown: none is there
        std::vector<std::string> from = {}; ///< what its expression refers to, of what changes
    };
    std::string address;
    std::optional<StepId> step; ///< none: nothing to do
    Loc loc = {};               ///< its block in the spec; unknown: the spec has none
    std::vector<Cause> causes = {};
    std::vector<std::string> triggers = {};  ///< whose changes replace it
    std::vector<std::string> waits_for = {}; ///< whose steps come first
    /// Of a replacement: whose steps come before the old object is removed.
    std::vector<std::string> removed_after = {};
    std::vector<std::string> depends_on = {}; ///< directly; by the spec, else by the state
};

/// The explanation of one resource, followed by those of the resources that its own leads to, each
/// once: first what it comes from, then what that comes from.
/// @throws Error(usage) when neither spec nor state have it
std::vector<Why> explain(const std::string& address, const Plan& plan, const Graph& graph,
                         const PriorState& world);

} // namespace hadeploy
