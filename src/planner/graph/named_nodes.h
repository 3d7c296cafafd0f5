#pragma once

#include "planner/graph/names.h"

#include <string>
#include <string_view>
#include <vector>

namespace hadeploy {

/// Finds the resources that `depends_on` and `replace_triggered_by` name, while the graph is
/// expanded. Reports names that do not exist.
class NamedNodes {
  public:
    NamedNodes(const Graph& graph, const Resources& resources, Diagnostics& diagnostics)
        : graph_(graph), resources_(resources), diagnostics_(diagnostics) {}

    /// The resources that a `depends_on` names.
    [[nodiscard]] std::vector<NodeId> dependencies(const std::vector<Dependency>& dependencies,
                                                   const Scope& scope) const;
    /// Adds the resources that a trigger names, for one instance of its block.
    void add_triggers(const AddressPattern& pattern, const Scope& scope, const Instance* instance,
                      std::vector<NodeId>& out) const;
    /// Adds the resources of a module instance.
    void add_all(const Scope& inside, std::vector<NodeId>& out) const;

  private:
    void refuse_name(const Scope& scope, const std::string& text, const std::string& name,
                     std::string_view key, Loc loc) const;

    const Graph& graph_;
    const Resources& resources_;
    Diagnostics& diagnostics_;
};

} // namespace hadeploy
