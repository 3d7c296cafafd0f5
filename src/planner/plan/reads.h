#pragma once

#include "planner/plan/plan.h"
#include "planner/plan/prior_state.h"

namespace hadeploy {

class Selection;

/// A resource to read before planning, with the endpoints through which it can be read.
struct PlannedRead {
    ReadRequest request;
    std::vector<Endpoint> candidates; ///< the preferred endpoint first; empty: not known yet
};

/// The result of evaluating the spec with the recorded values, before anything is read.
struct Evaluation {
    /// The objects to read before planning: every resource of the spec whose config is known
    /// sufficiently, and every recorded resource that the spec no longer has. Types that exist only
    /// in the state are left out.
    std::vector<PlannedRead> reads;
    std::vector<Value> configs;       ///< by node
    std::vector<Value> values;        ///< by node: attributes known from its config and its record
    std::vector<std::string> notices; ///< notices about the spec, which are not errors
    std::map<std::string, std::string> look_alikes; ///< see Identities
    std::multimap<std::string, std::string> take_overs;
};

/// @param prior  records that equal their evaluated config share its storage afterwards
/// @throws Error: wrong values in the spec
Evaluation evaluate_resources(const Graph& graph, PriorState& prior,
                              const ProviderSettings& settings);

/// Evaluates the spec after moving the records to the addresses that the spec has for their
/// objects: see find_identities().
Evaluation evaluate_and_move(const Graph& graph, PriorState& prior,
                             const ProviderSettings& settings);

/// The objects to read for a refresh: all recorded objects, with their recorded configs.
std::vector<PlannedRead> reads_of_records(const Registry& registry, const PriorState& prior,
                                          const ProviderSettings& settings);

/// Uses the records as observations instead of reading. Resources with an interrupted change stay
/// unread, and apply reads them.
void assume_recorded(PriorState& prior);

/// The data sources to read now, before planning. Their config is known from records and
/// observations, they have not been read with this config yet, and they do not wait for a planned
/// change. Invalid values in the spec are skipped, because evaluate_resources() reports them.
std::vector<PlannedRead> reads_of_data(const Graph& graph, const PriorState& prior,
                                       const ProviderSettings& settings);

/// Whether a data source was read with this config. (The observation of a data source includes the
/// config.)
bool read_with(const ResourceType& type, const Value& config, const Observation& observed);

/// The objects to read before the selected resources are destroyed: all recorded resources, except
/// those that disappear with their machine.
std::vector<PlannedRead> reads_before_destroy(const Registry& registry, const PriorState& prior,
                                              const ProviderSettings& settings,
                                              const Selection& selection);

/// The reads of one endpoint. They are sent together.
struct Batch {
    Endpoint endpoint;
    std::vector<std::size_t> reads; ///< indices
};

/// Determines the reads that are possible now. A resource on a machine waits until the machine
/// itself has been read; it is skipped (left unread) if none of its machines is up. `done` marks
/// finished and skipped reads; `dead` holds the keys of endpoints that did not respond.
std::vector<Batch> next_wave(const std::vector<PlannedRead>& reads, const PriorState& prior,
                             const std::set<std::string>& dead, std::vector<bool>& done);

} // namespace hadeploy
