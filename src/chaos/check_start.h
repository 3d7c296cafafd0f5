#pragma once

#include "chaos/events.h"
#include "chaos/experiment.h"

#include <stop_token>

namespace hadeploy::chaos {

/// Checks that the faults of an experiment may be injected now. Waits for tasks that have just been
/// restarted.
/// @returns the cluster in its steady state
/// @throws Error if a node does not exist, a fault is too risky and not forced, or a service lacks
/// tasks; Interrupted
Snapshot check_start(const Settings& settings, const Experiment& experiment, bool force,
                     Cluster& cluster, DrillEvents& events, const std::stop_token& stop);

/// Why faults that are active at the same time are too risky together; "" if they are not. Each
/// fault has already been checked alone.
std::string too_much_at_once(const Snapshot& snapshot, const std::vector<Fault>& faults);

} // namespace hadeploy::chaos
