#pragma once

#include "planner/plan/plan.h"
#include "planner/plan/prior_state.h"
#include "planner/plan/selection.h"

#include <map>
#include <optional>
#include <string>

namespace hadeploy {

/// The machines of resources, as they will be during apply. Filled while a plan is made: machines
/// before the resources on them.
class Places {
  public:
    /// All arguments must outlive this object.
    Places(const Graph& graph, const PriorState& prior, const ProviderSettings& settings)
        : graph_(graph), prior_(prior), settings_(settings) {}

    /// Adds the planned action on a resource.
    /// @param restarts  whether an update shuts the machine down for a while, or stops services on
    ///         it
    void note(NodeId id, const Value& config, std::optional<Action> action, bool restarts);

    /// How many of the machines through which the resource is reached are down for a while:
    /// machines that run now and that the plan takes down, or on which the plan stops a service
    /// that the resource depends on. Also `some` if some of the machines, but not all, are created.
    enum class Down { none, some, all };
    [[nodiscard]] Down down(NodeId id, const Value& config) const;

    /// Whether the machine of the resource does not exist yet. An object that is recorded on a
    /// different machine is removed there first, unless that machine is gone.
    [[nodiscard]] bool is_fresh(const Node& node, const Value& config,
                                const RecordedResource* recorded) const;
    /// Whether the config names machines, and the plan replaces all of them.
    [[nodiscard]] bool are_replaced(const Value& config) const;
    /// Whether the plan removes all machines of the recorded object, so that the object disappears
    /// with them. False if the object has a name that the new object of the step needs. The object
    /// stays recorded until the machines are removed.
    [[nodiscard]] bool are_removed(const Step& step, const RecordedResource& recorded,
                                   const Selection& selection) const;

  private:
    enum class State { up, starting, fresh };
    State state(const Node& node, const Value& config) const;
    bool is_gone(const std::string& machine) const;
    /// The machine on which an update stops a service that the resource depends on; "" if there is
    /// none.
    std::string stopped_below(NodeId id, const Value& config) const;

    const Graph& graph_;
    const PriorState& prior_;
    const ProviderSettings& settings_;
    std::map<std::string, State> machines_; ///< by address
    std::set<std::string> fresh_;           ///< machines that are created
    std::set<std::string> replaced_;        ///< replaced machines
    std::set<std::string> down_; ///< machines that run now, and are replaced or restarted
    std::map<NodeId, std::string> stopped_; ///< machines by resource: see stopped_below()
};

} // namespace hadeploy
