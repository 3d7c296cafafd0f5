#pragma once

#include "planner/plan/plan.h"
#include "planner/plan/prior_state.h"

namespace hadeploy {

/// A name or place that a recorded object still has, and that a step takes.
struct Taking {
    StepId step = 0;
    std::string from; ///< address of that object
    std::string what; ///< "port 80 of the swarm of 10.0.0.1"
    /// Whether it is uncertain that this is the same object. A cycle of steps is then not an error.
    bool perhaps = false;
};

/// Sorts the steps of a plan, and completes their dependencies (Step::after_steps):
/// - a removal or replacement comes after the removal or replacement of every dependent, according
///   to the record or the spec;
/// - a removal comes after the changes of former dependents;
/// - a resource that is replaced because of an instance of a `serial` block (replace_triggered_by)
///   is removed before this instance changes, and created again before the next instance changes;
/// - a step that takes something from another object comes after that object has released it;
/// - the removal of an object that disappears with its machine comes after the removal of the
///   machine; the removal of an object that needs a proper removal comes before the removal of its
///   machine. Adds an error if steps wait for each other.
/// @param graph  nullptr for a plan to destroy
void order_steps(Plan& plan, const PriorState& prior, const Graph* graph,
                 const std::vector<Taking>& takings, Diagnostics& diagnostics);

} // namespace hadeploy
