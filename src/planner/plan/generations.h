#pragma once

#include "planner/plan/plan.h"
#include "planner/plan/prior_state.h"
#include "planner/spec/address.h"

#include <string_view>
#include <unordered_set>

namespace hadeploy {

// With create_before_destroy a resource temporarily exists twice. Its address refers to the
// generation in use: the old one until the new one exists, then the new one. The other generation
// has its own address, `address#generation`, in the journal and in the state, like any resource
// that the spec no longer has. So the next run removes any object that an interrupted run leaves
// behind.

/// UUIDv5 of the state's lineage and `address#generation`.
std::string identity_of(const std::string& lineage, const std::string& address,
                        std::int64_t generation);

/// Numbers the generations of objects to be created. A moved object keeps the identity that it got
/// at its first address, so a new object at that address needs another one.
class NewGenerations {
  public:
    /// @param prior  must outlive this
    explicit NewGenerations(const PriorState& prior) : prior_(prior) {}
    /// The first generation, from `first` on, whose identity and address no recorded object has.
    std::int64_t next(const std::string& address, std::int64_t first = 1);

  private:
    const PriorState& prior_;
    std::unordered_set<std::string_view> identities_; ///< of recorded objects; filled on first use
};

/// Whether an interrupted run has begun the replacement that is planned now.
bool is_begun(const ResourceType& type, const Value& config, const RecordedResource& recorded,
              const PriorState& prior);

/// The generation that replaces the recorded one: one that an interrupted run has begun if it still
/// matches the config, otherwise a new one.
std::int64_t next_generation(const ResourceType& type, const Value& config,
                             const RecordedResource& recorded, const PriorState& prior,
                             NewGenerations& fresh);

/// @throws Error(spec) if both generations would have a real name that must be unique
/// @param now  all known attributes of the old one
void refuse_shared_names(const Graph& graph, const Node& node, const Value& config,
                         const RecordedResource& recorded, const Value& now);

/// The prior state as if the create-before-destroy replacements of a plan had already created the
/// new objects.
PriorState with_old_generations(PriorState prior, const Plan& plan, const Registry& registry);
/// Whether the plan has any such replacement.
bool makes_first(const Plan& plan);

} // namespace hadeploy
