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

/// What plans are made from, beside the state.
struct PlanSource {
    const Graph& graph;
    ProviderSettings settings;
    /// For a rollback: addresses by those that they had in the version that is restored, the latest
    /// moves first.
    std::vector<Moves> moves_back = {};
    ProviderContext setting;      ///< its lineage is the state's
    std::size_t parallelism = 10; ///< endpoints that are read at the same time
};

/// A plan with everything that it was made from.
struct PlannedRun {
    PriorState world;
    ProviderSettings settings;
    std::unique_ptr<Endpoints> endpoints; ///< open ones, which apply uses again
    Plan plan;
};

/// Loads the state, evaluates the spec, reads the real objects and makes the plan.
/// @param stop  ends the reading
/// @throws Error, Interrupted
PlannedRun read_and_plan(const PlanSource& source, const Store& store, const PlanOptions& options,
                         Events& events, const std::stop_token& stop = {});
/// Makes the plan from the state alone, as if every object were as recorded. Data sources are
/// unknown.
PlannedRun plan_from_record(const PlanSource& source, const Store& store);
/// Makes the plan from the observations of a saved plan, without reading.
PlannedRun plan_from_observations(const PlanSource& source, const Store& store,
                                  const PlanOptions& options,
                                  std::map<std::string, Observation> observed);

} // namespace hadeploy
