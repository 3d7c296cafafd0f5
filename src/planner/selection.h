#pragma once

#include "planner/plan.h"

#include <unordered_set>

namespace hadeploy {

/// The part of spec and state that a plan with targets is about. What is wanted takes along what it
/// depends on; what is to be removed takes along what depends on it.
class Selection {
  public:
    /// @param graph  nullptr: all that is chosen is to be removed
    /// @throws Errors(usage): a target that names nothing
    Selection(const PlanOptions& options, const Graph* graph, const World& world);

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
    bool all_ = true;
    std::unordered_set<std::string> chosen_, machines_;
    std::string notice_;
};

} // namespace hadeploy
