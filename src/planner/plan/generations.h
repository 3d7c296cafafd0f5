#pragma once

#include "planner/plan/plan.h"
#include "planner/plan/prior_state.h"
#include "planner/spec/address.h"

#include <string_view>
#include <unordered_set>

namespace hadeploy {

// With create_before_destroy a resource temporarily has two objects. Its address refers to the
// generation in use: the old one until the new one exists, then the new one. The other generation
// has its own address, `address#generation`, in the journal and in the state, like any resource
// that the spec no longer has. The next run therefore removes any object that an interrupted run
// leaves behind.

/// UUIDv5 of the state's lineage and `address#generation`.
std::string identity_of(const std::string& lineage, const std::string& address,
                        std::int64_t generation);

/// Numbers the generations of objects to be created. A moved object keeps the identity of its first
/// address, so a new object at that address needs a different identity.
class NewGenerations {
  public:
    /// @param prior  prior state; must outlive this object
    explicit NewGenerations(const PriorState& prior) : prior_(prior) {}
    /// The lowest generation, from `first` on, whose identity and address no recorded object has.
    std::int64_t next(const std::string& address, std::int64_t first = 1);

  private:
    const PriorState& prior_;
    /// Identities of recorded objects; filled on first use.
    std::unordered_set<std::string_view> identities_;
};

/// Whether an interrupted run has begun the replacement that is being planned.
bool is_begun(const ResourceType& type, const Value& config, const RecordedResource& recorded,
              const PriorState& prior);

/// The generation that replaces the recorded one: the generation that an interrupted run has begun,
/// if it still matches the config; otherwise a new generation.
std::int64_t next_generation(const ResourceType& type, const Value& config,
                             const RecordedResource& recorded, const PriorState& prior,
                             NewGenerations& fresh);

/// Checks that two generations can exist at the same time. @throws Error(spec) if both would have a
/// real name that must be unique
/// @param now  all known attributes of the old generation
void refuse_shared_names(const Graph& graph, const Node& node, const Value& config,
                         const RecordedResource& recorded, const Value& now);

/// The prior state as it would be if the create-before-destroy replacements of a plan had already
/// created the new objects.
PriorState with_old_generations(PriorState prior, const Plan& plan, const Registry& registry);
/// Whether the plan has a create-before-destroy replacement.
bool makes_first(const Plan& plan);

} // namespace hadeploy
