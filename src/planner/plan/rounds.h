#pragma once

#include "planner/graph/graph.h"
#include "planner/plan/places.h"
#include "planner/plan/plan.h"
#include "planner/plan/prior_state.h"

#include <optional>
#include <set>
#include <string>
#include <vector>

namespace hadeploy {

// Machines of a cluster are replaced, restarted and updated one at a time: each in a plan of its
// own, which leaves the others as they are. A cluster consists of the machines in the config of a
// resource that has a vote (ResourceType::votes_in) or several copies of its data
// (ResourceType::copies).

/// The changes of a plan that take down machines, or stop what runs on them
/// (ResourceType::restarts), although they run and their cluster needs them, in the order of their
/// turns: first machines with a member that needs a repair, then by address.
std::vector<Turn> find_turns(const Plan& plan, const PriorState& prior, const Graph& graph);

/// Whether a plan that leaves these machines as they are repairs or changes their clusters, so that
/// they have to wait for it.
bool concerns_clusters(const Plan& plan, const std::vector<Turn>& turns, const PriorState& prior,
                       const Registry& registry);

/// Everything that the records of these resources depend on, directly or not.
std::set<std::string> used_by(const std::set<std::string>& addresses, const PriorState& prior);

/// Adapts a step to a machine that runs now and that the plan takes down: an update that restarts
/// it, or stops what runs on it, is marked; a member with a vote leaves before and joins again;
/// what other machines share with it is read again afterwards.
void go_with_machine(Step& step, const RecordedResource* recorded, const PriorState& prior,
                     Places::Down down, std::optional<Action>& action);

/// Adds to the reasons of steps how many votes and copies a cluster has after them.
/// @throws Error(conflict) if a member would be removed while too few of the others run, or a copy
///         while the machine of another one does not run
void follow_quorums(Plan& plan, const PriorState& prior, const Registry& registry);

} // namespace hadeploy
