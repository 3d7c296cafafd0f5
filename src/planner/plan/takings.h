#pragma once

#include "planner/plan/prior_state.h"
#include "planner/plan/step_order.h"

#include <map>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

namespace hadeploy {

/// Who has so far what resources claim (ResourceType::claims).
class Holders {
  public:
    /// Both outlive this.
    Holders(const Registry& registry, const PriorState& world)
        : registry_(registry), world_(world) {}

    /// What a resource would claim that another record's object still has; Taking::step is to be
    /// filled in. The spec's own clashes are errors, so all of these are about to be let go.
    std::vector<Taking> takings(const Node& node, const Value& config,
                                const RecordedResource* recorded);

  private:
    using Addresses = std::unordered_map<std::string, std::vector<std::string>>;
    const Addresses& by_claim();

    const Registry& registry_;
    const PriorState& world_;
    std::optional<Addresses> by_claim_; ///< made when it is asked for first
};

/// Adds what steps perhaps take from the records that look like what they make.
void add_take_overs(const Plan& plan, const std::multimap<std::string, std::string>& take_overs,
                    std::vector<Taking>& takings);

} // namespace hadeploy
