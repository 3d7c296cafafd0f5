#pragma once

#include "core/recorded_resource.h"
#include "planner/graph/graph.h"
#include "planner/plan/plan.h"

#include <set>
#include <vector>

namespace hadeploy {

/// The steps that each node waits for, and the first halves of replacements. A replacement that
/// removes the old object first consists of two steps, so that dependents can be removed before the
/// first step and created after the second.
class Waits {
  public:
    explicit Waits(const Graph& graph)
        : graph_(graph), waits_for_(graph.nodes().size()), below_(graph.nodes().size()) {}

    /// Call this for each node in order, before the step of the node is added. Dependents of a node
    /// without a step wait for the steps that the node would have waited for.
    void inherit(NodeId id);
    [[nodiscard]] const std::set<StepId>& of(NodeId id) const { return waits_for_[id]; }
    /// From here on, dependents of the node wait for this step.
    void set(NodeId id, StepId step) { waits_for_[id] = {step}; }

    /// Adds the first half of a replacement that removes the old object first. Dependents that are
    /// replaced too are removed before it. If an object that this resource depends on is replaced
    /// in this way too, the first half of this resource does not wait for the values of the new
    /// object.
    const Step& add_first_half(NodeId id, Step& step, const RecordedResource& recorded);
    [[nodiscard]] const std::vector<Step>& first_halves() const { return halves_; }

  private:
    /// Whether a replacement removes an object that a node depends on, with the steps after which
    /// this is known.
    struct Base {
        enum class Removed { no, perhaps, yes };
        Removed removed = Removed::no;
        std::set<StepId> known_after = {};
    };

    const Graph& graph_;
    std::vector<std::set<StepId>> waits_for_; ///< by node
    std::vector<Base> below_;                 ///< by node
    std::vector<Step> halves_;
};

} // namespace hadeploy
