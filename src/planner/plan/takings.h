#pragma once

#include "planner/plan/prior_state.h"
#include "planner/plan/step_order.h"

#include <map>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

namespace hadeploy {

/// The recorded objects that hold the claims of resources (ResourceType::claims).
class Holders {
  public:
    /// Both arguments must outlive this object.
    Holders(const Registry& registry, const PriorState& prior)
        : registry_(registry), prior_(prior) {}

    /// The claims of a resource that the object of another record still holds; the caller fills in
    /// Taking::step. Conflicts within the spec are errors, so all of these claims are about to be
    /// released.
    std::vector<Taking> takings(const Node& node, const Value& config,
                                const RecordedResource* recorded);

  private:
    using Addresses = std::unordered_map<std::string, std::vector<std::string>>;
    const Addresses& by_claim();

    const Registry& registry_;
    const PriorState& prior_;
    std::optional<Addresses> by_claim_; ///< created on first use
};

/// Adds the takings of steps whose objects look like recorded ones.
void add_take_overs(const Plan& plan, const std::multimap<std::string, std::string>& take_overs,
                    std::vector<Taking>& takings);

} // namespace hadeploy
