#pragma once

#include "planner/graph.h"
#include "planner/references.h"

#include <set>

namespace hadeploy {

/// What looking up names needs of whoever evaluates: while the graph is being expanded, instances
/// are made on demand; later they are there.
class Resources {
  public:
    virtual ~Resources() = default;
    virtual const std::vector<NodeId>& instances(const Scope& scope,
                                                 const ResourceBlock& block) const = 0;
    virtual const Node& node(NodeId id) const = 0;
    /// The attributes of a node; called for each use, so that uses can be recorded.
    virtual Value value(NodeId id) const = 0;
};

/// The names that are seen from within a scope, and within one instance of a resource.
class ScopeNames : public Names {
  public:
    ScopeNames(const Graph& graph, const Resources& resources, const Scope& scope,
               const Node* self = nullptr)
        : graph_(graph), resources_(resources), scope_(scope), self_(self) {}

    Value resolve(const std::string& name, const Path& path, Loc loc,
                  std::size_t& used) const override;

    /// Whether there is what a reference names, without evaluating anything.
    /// @throws Error(spec) as resolve() does
    void check(const Reference& reference) const;

  private:
    const Variable& declared(const std::string& name, Loc loc) const;
    const Output& output(const Scope& child, const std::string& name, Loc loc) const;
    const Scope& child(const std::string& name, Loc loc) const;
    const Local& known_local(const std::string& name, Loc loc) const;
    const ResourceBlock& data_source(const std::string& name, Loc loc) const;
    [[noreturn]] void unknown_root(const std::string& name, Loc loc) const;

    Value variable(const Path& path, Loc loc, std::size_t& used) const;
    Value secret(const Path& path, Loc loc, std::size_t& used) const;
    Value module_output(const Path& path, Loc loc, std::size_t& used) const;
    Value local(const Path& path, Loc loc, std::size_t& used) const;
    Value data(const Path& path, Loc loc, std::size_t& used) const;
    Value count(const Path& path, Loc loc, std::size_t& used) const;
    Value each(const Path& path, Loc loc, std::size_t& used) const;
    Value resource(const ResourceBlock& block, const Path& path, std::size_t& used) const;

    const Graph& graph_;
    const Resources& resources_;
    const Scope& scope_;
    const Node* self_;
};

} // namespace hadeploy
