#pragma once

#include "planner/plan/plan.h"
#include "planner/plan/prior_state.h"

#include <map>
#include <string>
#include <vector>

namespace hadeploy {

/// The things that several resources can need (ResourceType::shares), with the resources that need
/// them after the plan.
class SharedThings {
  public:
    /// @param records  records by node. Both arguments must outlive this object
    SharedThings(const Graph& graph, const std::vector<const RecordedResource*>& records)
        : graph_(graph), records_(records) {}

    void add(NodeId id, const Value& config);
    /// Sets Step::left_to to the things that a step gives up but other resources still need.
    void leave_to_others(Plan& plan, const PriorState& prior) const;

  private:
    void leave(Step& step, const RecordedResource& recorded, const Plan& plan) const;
    [[nodiscard]] std::string identity_after(NodeId id, const Plan& plan) const;

    const Graph& graph_;
    const std::vector<const RecordedResource*>& records_;
    std::map<std::string, std::vector<NodeId>> wanted_by_;
};

} // namespace hadeploy
