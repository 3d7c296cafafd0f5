#pragma once

#include "planner/plan/plan.h"
#include "planner/plan/prior_state.h"

#include <set>
#include <string>
#include <unordered_set>
#include <vector>

namespace hadeploy {

/// The part of spec and state that a plan with --target or --exclude is about. A target includes
/// what it depends on, or, where it is to be removed, what depends on it. An exclusion includes
/// what depends on it, or, where that would be removed, what it depends on.
class Selection {
  public:
    /// @param graph  nullptr: all that is chosen is to be removed
    /// @throws Error(usage): a target or an exclusion that names nothing
    Selection(const PlanOptions& options, const Graph* graph, const PriorState& world);

    [[nodiscard]] bool all() const { return all_; }
    [[nodiscard]] bool has(const std::string& address) const {
        return all_ || chosen_.contains(address);
    }
    /// Whether a plan for it has to know what is really there: the machines that what is removed
    /// lives on are looked at too.
    [[nodiscard]] bool reads(const std::string& address) const {
        return has(address) || machines_.contains(address);
    }
    /// What a plan for it tells its reader.
    [[nodiscard]] const std::string& notice() const { return notice_; }

  private:
    void target(const std::vector<std::string>& targets, const Graph* graph,
                const PriorState& world);
    void exclude(const std::vector<std::string>& excluded, const Graph* graph,
                 const PriorState& world);

    bool all_ = true;
    std::unordered_set<std::string> chosen_, machines_;
    std::string notice_;
};

/// The nodes that --replace names, by their addresses.
/// @throws Error(usage): one that is no single resource of the spec, that is only read, or that
///         the selection leaves out
std::set<std::string> addresses_to_replace(const PlanOptions& options, const Graph& graph,
                                           const Selection& selection, const PriorState& world);

} // namespace hadeploy
