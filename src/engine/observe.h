#pragma once

#include "engine/events.h"
#include "planner/plan/moves.h"
#include "planner/plan/prior_state.h"
#include "planner/plan/reads.h"
#include "state/store.h"

#include <mutex>

namespace hadeploy {

/// The endpoints that are open, each opened once and used from plan to apply.
class Endpoints {
  public:
    /// @param at_once  how many of them refresh() reads at the same time
    Endpoints(const Registry& registry, ProviderContext setting, std::size_t at_once = 10)
        : registry_(registry), setting_(std::move(setting)), at_once_(at_once) {}

    /// @throws Error(unreachable); the next call tries again
    std::shared_ptr<OpenEndpoint> open(const std::string& kind, const Endpoint& endpoint);
    /// Opens, if need be, and reads. What is seen of something that was made from secrets is
    /// secret.
    /// @throws Error(unreachable)
    std::vector<Observation> read(const std::string& kind, const Endpoint& endpoint,
                                  const std::vector<ReadRequest>& requests, const Notice& notice);
    [[nodiscard]] const Registry& registry() const { return registry_; }
    [[nodiscard]] const ProviderContext& setting() const { return setting_; }
    [[nodiscard]] std::size_t at_once() const { return at_once_; }

  private:
    const Registry& registry_;
    ProviderContext setting_;
    std::size_t at_once_;
    std::mutex mutex_;
    std::map<std::string, std::shared_ptr<OpenEndpoint>> open_;
};

/// What the state knows: rows, and what interrupted runs left behind.
PriorState load_prior_state(const Store& store);
/// The same without the resources of these types.
PriorState load_prior_state_but(const Store& store, const std::vector<std::string>& types);

/// What interrupted runs left open, with the addresses that it has after the moves.
std::vector<Intent> moved_intents(std::vector<Intent> open, const Moves& moves);

/// What the state knows of a graph's nodes; what it does not know is unknown. Both have to live as
/// long as the result.
Graph::Values recorded_values(const Graph& graph, const PriorState& world);

/// Reads the subjects, wave by wave, the endpoints of a wave side by side, and notes what was seen
/// in `world.observed`. An endpoint that does not answer makes its subjects' observations `failed`.
void refresh(PriorState& world, const std::vector<PlannedRead>& reads, Endpoints& endpoints,
             Events& events);

/// Reads the data sources that can be read before planning. Called before the resources are read,
/// whose configs may go by them, and again after it, when more may be known. What is noted of each
/// in `world.observed` includes the config that it was read with.
void read_data(PriorState& world, const Graph& graph, const ProviderSettings& settings,
               Endpoints& endpoints, Events& events);

/// The settings of every provider as the spec gives them.
/// @throws Error
ProviderSettings provider_settings(const Graph& graph);

} // namespace hadeploy
