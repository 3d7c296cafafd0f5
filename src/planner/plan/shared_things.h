#pragma once

#include "planner/plan/plan.h"
#include "planner/plan/prior_state.h"

#include <map>
#include <string>
#include <vector>

namespace hadeploy {

/// Things that several resources may want (ResourceType::shares), and who wants them once a plan is
/// done.
class SharedThings {
  public:
    /// @param records  by node; both outlive this
    SharedThings(const Graph& graph, const std::vector<const RecordedResource*>& records)
        : graph_(graph), records_(records) {}

    void add(NodeId id, const Value& config);
    /// Notes in the steps of the plan what each gives up and others still want: Step::left_to.
    void leave_to_others(Plan& plan, const PriorState& world) const;

  private:
    void leave(Step& step, const RecordedResource& recorded, const Plan& plan) const;
    [[nodiscard]] std::string identity_after(NodeId id, const Plan& plan) const;

    const Graph& graph_;
    const std::vector<const RecordedResource*>& records_;
    std::map<std::string, std::vector<NodeId>> wanted_by_;
};

} // namespace hadeploy
