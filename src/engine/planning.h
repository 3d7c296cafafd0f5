#pragma once

#include "engine/events.h"
#include "engine/observe.h"
#include "planner/plan/moves.h"
#include "planner/plan/plan.h"
#include "planner/plan/plan_options.h"
#include "planner/plan/prior_state.h"

#include <map>
#include <memory>
#include <stop_token>
#include <string>
#include <vector>

namespace hadeploy {

/// The input of plans other than the state.
struct PlanSource {
    const Graph& graph;
    ProviderSettings settings;
    /// For a rollback: the moves that lead back to the addresses of the restored version, latest
    /// first.
    std::vector<Moves> moves_back = {};
    ProviderContext context;      ///< the lineage in it is set from the state
    std::size_t parallelism = 10; ///< number of endpoints read concurrently
    Elsewhere elsewhere = {};     ///< the plan must not change these objects
};

/// A plan and its input.
struct PlannedRun {
    PriorState prior;
    ProviderSettings settings;
    std::unique_ptr<Endpoints> endpoints; ///< the open endpoints, reused by apply
    Plan plan;
};

/// Loads the state, evaluates the spec, reads the real objects and makes the plan.
/// @param stop  aborts the reads
/// @throws Error, Interrupted
PlannedRun read_and_plan(const PlanSource& source, const Store& store, const PlanOptions& options,
                         Events& events, const std::stop_token& stop = {});
/// The resources that a plan leaves out, because they cannot be planned.
struct LeftOut {
    std::vector<Error> errors; ///< errors, each with the address of its resource
    /// Recorded resources without a result: the resources of the errors, and their dependents.
    std::vector<std::string> addresses;
};

/// Plans everything that can be planned: leaves out resources whose object cannot be read or is not
/// managed by hadeploy.
/// @throws Error for any other problem, for example in the spec; Interrupted
PlannedRun read_and_plan_rest(const PlanSource& source, const Store& store, Events& events,
                              const std::stop_token& stop, LeftOut& left_out);
/// Makes the plan from the state alone, as if every object matched its record. Values of data
/// sources are unknown.
PlannedRun plan_from_record(const PlanSource& source, const Store& store);
/// Makes the plan from the observations of a saved plan, without reading objects.
PlannedRun plan_from_observations(const PlanSource& source, const Store& store,
                                  const PlanOptions& options,
                                  std::map<std::string, Observation> observed);

} // namespace hadeploy
