#pragma once

#include "planner/plan/plan.h"
#include "planner/plan/prior_state.h"

namespace hadeploy {

/// One resource to be read before planning, and where it can be read.
struct PlannedRead {
    ReadRequest request;
    std::vector<Endpoint> candidates; ///< the preferred place first; empty: not known yet
};

/// The spec evaluated by what is recorded, before anything is read.
struct Evaluation {
    /// What to read before planning: every resource of the spec as far as its config is known, and
    /// every recorded one that the spec no longer has; but not what lives in the state alone.
    std::vector<PlannedRead> reads;
    std::vector<Value> configs;       ///< by node
    std::vector<Value> values;        ///< by node: what its config and its record tell of it
    std::vector<std::string> notices; ///< remarks on the spec that are no errors
    std::map<std::string, std::string> look_alikes; ///< see Identities
    std::multimap<std::string, std::string> take_overs;
};

/// @param world  of what is recorded just as it was evaluated only one copy stays: the latter
/// @throws Error: wrong values in the spec
Evaluation evaluate_resources(const Graph& graph, PriorState& world,
                              const ProviderSettings& settings);

/// The same, with the world's records under the addresses that the spec has for their objects: see
/// find_identities().
Evaluation evaluate_and_move(const Graph& graph, PriorState& world,
                             const ProviderSettings& settings);

/// What to read to bring the state up to date: all that is recorded, as it was recorded.
std::vector<PlannedRead> reads_of_records(const Registry& registry, const PriorState& world,
                                          const ProviderSettings& settings);

/// Takes the state's word for what is there, in the place of reading it. What an earlier run began
/// and did not end stays unread: apply looks at it.
void assume_recorded(PriorState& world);

/// The plan that only notes in the state what was seen: what is gone goes from it, what has changed
/// is recorded as it is. A tracked attribute stays as it was applied: it is what the next plan
/// repairs by.
/// @throws Error: failed reads, targets that name nothing
Plan make_refresh_plan(const Graph& graph, const PriorState& world, const PlanOptions& options);

/// The data sources to read now, before planning: those whose config is known by what is recorded
/// and what was seen, that have not been read with this config yet, and that wait for nothing that
/// is still to be made. Wrong values in the spec are passed over: evaluate_resources() tells them.
std::vector<PlannedRead> reads_of_data(const Graph& graph, const PriorState& world,
                                       const ProviderSettings& settings);

/// Whether a data source was seen with this config. (What is seen of one includes its config.)
bool read_with(const ResourceType& type, const Value& config, const Observation& observed);

/// What to read before all is destroyed: all that is recorded, but what goes with its machine.
std::vector<PlannedRead> reads_before_destroy(const Registry& registry, const PriorState& world,
                                              const ProviderSettings& settings);

/// A read of one endpoint: its requests travel together.
struct Batch {
    Endpoint endpoint;
    std::vector<std::size_t> reads; ///< indices
};

/// Which of the subjects can be read now. A subject on a machine waits until the machine itself
/// has been read; it is given up (left unread) when none of its machines is up.
/// `done` marks subjects that are through and is updated for those given up; `dead` holds the keys
/// of endpoints that did not answer.
std::vector<Batch> next_wave(const std::vector<PlannedRead>& reads, const PriorState& world,
                             const std::set<std::string>& dead, std::vector<bool>& done);

} // namespace hadeploy
