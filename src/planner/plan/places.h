#pragma once

#include "planner/plan/plan.h"
#include "planner/plan/prior_state.h"
#include "planner/plan/selection.h"

#include <map>
#include <optional>
#include <string>

namespace hadeploy {

/// The machines that resources live on, as apply will find them. Filled while a plan is made,
/// machines before what is on them.
class Places {
  public:
    /// All of them outlive this.
    Places(const Graph& graph, const PriorState& world, const ProviderSettings& settings)
        : graph_(graph), world_(world), settings_(settings) {}

    /// Notes what a plan does with a machine; anything else is passed over.
    void note(const Node& node, std::optional<Action> action);

    /// Whether the resource's place is still to be made. What is recorded somewhere else is to be
    /// removed there first, unless that place is gone.
    [[nodiscard]] bool is_fresh(const Node& node, const Value& config,
                                const RecordedResource* recorded) const;
    /// Whether the plan replaces all machines that a config names, of which there are some.
    [[nodiscard]] bool are_replaced(const Value& config) const;
    /// Whether the recorded object goes with its machines, which the plan removes, and has no name
    /// that the step's object needs: until then it stays recorded.
    [[nodiscard]] bool are_removed(const Step& step, const RecordedResource& recorded,
                                   const Selection& selection) const;

  private:
    enum class State { up, starting, fresh };
    State state(const Node& node, const Value& config) const;
    bool is_gone(const std::string& machine) const;

    const Graph& graph_;
    const PriorState& world_;
    const ProviderSettings& settings_;
    std::map<std::string, State> machines_; ///< by address
    std::set<std::string> replaced_;        ///< of those
};

} // namespace hadeploy
