#pragma once

#include "planner/plan/plan.h"
#include "planner/plan/prior_state.h"

namespace hadeploy {

/// A step takes a name or a place that a recorded object has so far.
struct Taking {
    StepId step = 0;
    std::string from; ///< address of that object
    std::string what; ///< "port 80 of the swarm of 10.0.0.1"
    /// It may be another object after all: no reason for an error where steps wait for each other.
    bool perhaps = false;
};

/// Brings the steps of a plan into an order, and completes what each waits for (Step::after_steps):
/// - what is removed or replaced goes after everything that depends on it, by the record or by the
///   spec, and is removed or replaced too;
/// - what is removed goes after what used it so far has been changed;
/// - what takes something from another object is made after that one has let it go;
/// - what goes with its machine goes after it, what has to be undone properly before it.
/// @param graph  nullptr of a plan to destroy
/// Adds an error where steps wait for each other.
void order_steps(Plan& plan, const PriorState& world, const Graph* graph,
                 const std::vector<Taking>& takings, Diagnostics& diagnostics);

} // namespace hadeploy
