#pragma once

#include "engine/events.h"
#include "planner/plan/moves.h"
#include "planner/plan/prior_state.h"
#include "planner/plan/reads.h"
#include "state/store.h"

#include <mutex>

namespace hadeploy {

/// The open endpoints. Each is opened once, and is used by both plan and apply. Thread-safe.
class Endpoints {
  public:
    /// @param at_once  number of endpoints that refresh() reads concurrently
    Endpoints(const Registry& registry, ProviderContext context, std::size_t at_once = 10)
        : registry_(registry), context_(std::move(context)), at_once_(at_once) {}

    /// Opens an endpoint, or returns the open one with this key and config. A replaced machine has
    /// the same key, but a config with another host key.
    /// @throws Error(unreachable); the next call retries
    std::shared_ptr<OpenEndpoint> open(const std::string& provider, const Endpoint& endpoint);
    /// Opens the endpoint if necessary, and reads the objects. Attributes of objects that were
    /// created from secrets are marked as secret.
    /// @throws Error(unreachable)
    std::vector<Observation> read(const std::string& provider, const Endpoint& endpoint,
                                  const std::vector<ReadRequest>& requests, const Notice& notice);
    [[nodiscard]] const Registry& registry() const { return registry_; }
    [[nodiscard]] const ProviderContext& context() const { return context_; }
    [[nodiscard]] std::size_t at_once() const { return at_once_; }

  private:
    const Registry& registry_;
    ProviderContext context_;
    std::size_t at_once_;
    std::mutex mutex_;
    struct Open {
        Value config;
        std::shared_ptr<OpenEndpoint> endpoint;
    };
    std::map<std::string, Open> open_; ///< by the key of the endpoint
};

/// Loads the prior state: rows, and intents of interrupted runs.
PriorState load_prior_state(const Store& store);
/// Loads the prior state without the resources of these types.
PriorState load_prior_state_but(const Store& store, const std::vector<std::string>& types);

/// The open intents, with their addresses after the moves.
std::vector<Intent> moved_intents(std::vector<Intent> open, const Moves& moves);

/// The recorded values of a graph's nodes. Values without a record are unknown. Both arguments must
/// outlive the result.
Graph::Values recorded_values(const Graph& graph, const PriorState& prior);

/// Performs the reads in waves; the endpoints of a wave are read in parallel. Stores the results in
/// `prior.observed`. If an endpoint does not respond, the observations of its reads are `failed`.
void refresh(PriorState& prior, const std::vector<PlannedRead>& reads, Endpoints& endpoints,
             Events& events);

/// Reads the data sources that can be read before planning. Called before resources are read,
/// because their configs may depend on data sources, and again afterwards, when more values may be
/// known. The results in `prior.observed` include the config that was used for the read.
void read_data(PriorState& prior, const Graph& graph, const ProviderSettings& settings,
               Endpoints& endpoints, Events& events);

/// The settings of every provider that the spec uses.
/// @throws Error
ProviderSettings provider_settings(const Graph& graph);

} // namespace hadeploy
