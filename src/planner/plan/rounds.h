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
// own, which leaves the other machines unchanged. A cluster consists of the machines in the config
// of a resource that has a vote (ResourceType::votes_in) or several copies of its data
// (ResourceType::copies).

/// The changes of a plan that take down machines, or stop services on them
/// (ResourceType::restarts), although the machines run and their cluster needs them. They are in
/// the order of their turns: machines with a member that needs a repair come first. Otherwise they
/// are sorted by address.
std::vector<Turn> find_turns(const Plan& plan, const PriorState& prior, const Graph& graph);

/// Whether a plan that leaves these machines unchanged repairs or changes their clusters, so that
/// the machines have to wait for this plan.
bool concerns_clusters(const Plan& plan, const std::vector<Turn>& turns, const PriorState& prior,
                       const Registry& registry);

/// Everything that the records of these resources depend on, directly or indirectly.
std::set<std::string> used_by(const std::set<std::string>& addresses, const PriorState& prior);

/// Adapts a step to a machine that runs now and that the plan takes down. Sets `Step::restarts` for
/// an update that restarts the machine or stops services on it. A member with a vote leaves the
/// cluster first and joins it again afterwards. A resource that this machine, or one that is
/// created, shares with other machines is read again afterwards.
void go_with_machine(Step& step, const RecordedResource& recorded, const PriorState& prior,
                     Places::Down down, std::optional<Action>& action);

/// Adds the number of votes and copies that a cluster has after a step to the reason of the step.
/// @throws Error(conflict) if a member would be removed while too few of the other members run, or
///         if a copy would be removed while the machine of another copy does not run
void follow_quorums(Plan& plan, const PriorState& prior, const Registry& registry);

} // namespace hadeploy
