#pragma once

#include "planner/plan/plan.h"
#include "planner/plan/prior_state.h"

#include <set>
#include <string>
#include <unordered_set>
#include <vector>

namespace hadeploy {

/// The part of spec and state that --target or --exclude selects. A target includes its
/// dependencies or, if it is to be removed, its dependents. An exclusion includes its dependents
/// or, if it would otherwise be removed, its dependencies.
class Selection {
  public:
    /// @param graph  nullptr: everything selected is to be removed
    /// @throws Error(usage): a target or an exclusion matches nothing
    Selection(const PlanOptions& options, const Graph* graph, const PriorState& prior);

    [[nodiscard]] bool all() const { return all_; }
    [[nodiscard]] bool has(const std::string& address) const {
        return all_ || chosen_.contains(address);
    }
    /// Whether the plan needs an observation of this resource. This is also true for the machines
    /// of resources that are removed.
    [[nodiscard]] bool reads(const std::string& address) const {
        return has(address) || machines_.contains(address);
    }
    /// A notice about the selection, for the plan.
    [[nodiscard]] const std::string& notice() const { return notice_; }

  private:
    void target(const std::vector<std::string>& targets, const Graph* graph,
                const PriorState& prior);
    void exclude(const std::vector<std::string>& excluded, const Graph* graph,
                 const PriorState& prior);

    bool all_ = true;
    std::unordered_set<std::string> chosen_, machines_;
    std::string notice_;
};

/// The addresses that --replace names.
/// @throws Error(usage): an address that is not a single resource of the spec, that is a data
///         source, or that is not selected
std::set<std::string> addresses_to_replace(const PlanOptions& options, const Graph& graph,
                                           const Selection& selection, const PriorState& prior);

} // namespace hadeploy
