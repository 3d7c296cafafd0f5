#pragma once

#include "planner/plan/plan.h"
#include "planner/plan/prior_state.h"
#include "planner/plan/selection.h"

#include <map>
#include <optional>
#include <string>

namespace hadeploy {

/// The machines on which resources live, as they will be during apply. Filled while a plan is made,
/// machines before the resources on them.
class Places {
  public:
    /// All arguments must outlive this.
    Places(const Graph& graph, const PriorState& prior, const ProviderSettings& settings)
        : graph_(graph), prior_(prior), settings_(settings) {}

    /// Notes the planned action on a resource.
    /// @param restarts  an update switches the machine off for a while, or stops what runs on it
    void note(NodeId id, const Value& config, std::optional<Action> action, bool restarts);

    /// How many of the machines through which a resource is reached run now and are taken down, or
    /// stop something that the resource depends on.
    enum class Down { none, some, all };
    [[nodiscard]] Down down(NodeId id, const Value& config) const;

    /// Whether the machine of the resource is still to be created. An object recorded on another
    /// machine is removed there first, unless that machine is gone.
    [[nodiscard]] bool is_fresh(const Node& node, const Value& config,
                                const RecordedResource* recorded) const;
    /// Whether the config names machines, and the plan replaces all of them.
    [[nodiscard]] bool are_replaced(const Value& config) const;
    /// Whether the recorded object disappears together with its machines, which the plan removes,
    /// and has no name that the step's object needs. It stays recorded until the machines are
    /// removed.
    [[nodiscard]] bool are_removed(const Step& step, const RecordedResource& recorded,
                                   const Selection& selection) const;

  private:
    enum class State { up, starting, fresh };
    State state(const Node& node, const Value& config) const;
    bool is_gone(const std::string& machine) const;
    /// The machine on which an update stops something that the resource depends on; "" for none.
    std::string stopped_below(NodeId id, const Value& config) const;

    const Graph& graph_;
    const PriorState& prior_;
    const ProviderSettings& settings_;
    std::map<std::string, State> machines_; ///< by address
    std::set<std::string> replaced_;        ///< of those
    std::set<std::string> down_;            ///< of those: run now, and are replaced or restarted
    std::map<NodeId, std::string> stopped_; ///< machines by resource: see stopped_below()
};

} // namespace hadeploy
