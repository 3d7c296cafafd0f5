#pragma once

#include "planner/plan/plan.h"
#include "planner/plan/prior_state.h"
#include "planner/spec/address.h"

#include <string_view>
#include <unordered_set>

namespace hadeploy {

// With create_before_destroy a resource exists twice for a while. Its address stands for the
// generation that is in use: the old one until the new one is there, then that. The other one is
// journalled and recorded under an address of its own, `address#generation`, like any resource that
// the spec does not have: so whatever is left when a run is killed is removed by the next.

/// UUIDv5 of the state's lineage and `address#generation`.
std::string identity_of(const std::string& lineage, const std::string& address,
                        std::int64_t generation);

/// Numbers the generations of objects that are still to be made. What has moved keeps the identity
/// that it got at its first address: a new object there gets another one.
class NewGenerations {
  public:
    /// @param world  outlives this
    explicit NewGenerations(const PriorState& world) : world_(world) {}
    /// The first one, from `first` on, whose identity no recorded object has, nor its address.
    std::int64_t next(const std::string& address, std::int64_t first = 1);

  private:
    const PriorState& world_;
    std::unordered_set<std::string_view> identities_; ///< of what is recorded, once asked for
};

/// Whether an interrupted run has begun the replacement that is still wanted.
bool is_begun(const ResourceType& type, const Value& config, const RecordedResource& recorded,
              const PriorState& world);

/// The generation that takes the place of what is recorded: one that an interrupted run has begun,
/// if it is still what is wanted.
std::int64_t next_generation(const ResourceType& type, const Value& config,
                             const RecordedResource& recorded, const PriorState& world,
                             NewGenerations& fresh);

/// @throws Error(spec) when both generations would have a real name that only one can have
/// @param now  all that is known of the old one
void refuse_shared_names(const Graph& graph, const Node& node, const Value& config,
                         const RecordedResource& recorded, const Value& now);

/// The world in which the replacements of a plan that make the new one first have been made.
PriorState with_old_generations(PriorState world, const Plan& plan, const Registry& registry);
/// Whether there are any.
bool makes_first(const Plan& plan);

} // namespace hadeploy
