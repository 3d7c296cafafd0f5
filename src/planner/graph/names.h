#pragma once

#include "planner/graph/graph.h"
#include "planner/lang/eval.h"
#include "planner/spec/references.h"

#include <algorithm>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace hadeploy {

/// Gives the lookup of names access to resources. During the expansion of the graph, instances are
/// created on demand; afterwards they exist.
class Resources {
  public:
    virtual ~Resources() = default;
    virtual const std::vector<NodeId>& instances(const Scope& scope,
                                                 const ResourceBlock& block) const = 0;
    virtual const std::vector<const Scope*>& instances(const Scope& scope,
                                                       const ModuleBlock& block) const = 0;
    virtual const Node& node(NodeId id) const = 0;
    /// The attributes of a node. Called for each use of the node, so that an implementation can
    /// record the uses.
    virtual Value value(NodeId id) const = 0;
};

/// Finds the instance that a step names, by key or index, among all instances of a block.
template<class Ids, class InstanceOf>
auto find_instance(const Ids& ids, const Value& step, InstanceOf instance_of) {
    if (ids.empty()) return ids.end();
    if (instance_of(ids.front()).index) {
        const bool there = step.is_integer() && step.as_integer() >= 0 &&
                           step.as_integer() < static_cast<std::int64_t>(ids.size());
        return there ? ids.begin() + step.as_integer() : ids.end();
    }
    if (!step.is_string()) return ids.end();
    const auto it = std::lower_bound(
        ids.begin(), ids.end(), step.as_string(),
        [&](const auto& id, const std::string& key) { return instance_of(id).key < key; });
    return it != ids.end() && instance_of(*it).key == step.as_string() ? it : ids.end();
}

class ValueInProgress;

/// Evaluates expressions of a graph with the attributes of `resources`.
struct GraphContext : EvalContext {
    GraphContext(const Graph& of, const Resources& with)
        : EvalContext(of.spec().plan_time, *of.spec().external_inputs), graph(of), resources(with) {
    }

    const Graph& graph;
    const Resources& resources;
    const ValueInProgress* innermost = nullptr;
};

/// The names that are visible in a scope. If `instance` is given, these are the names in one
/// instance of a resource or a module call of the scope. If `self` is given, these are the names in
/// the postconditions of a resource.
class ScopeNames : public Names {
  public:
    ScopeNames(GraphContext& context, const Scope& scope, const Instance* instance = nullptr,
               const Value* self = nullptr)
        : Names(context), context_(context), graph_(context.graph), resources_(context.resources),
          scope_(scope), instance_(instance), self_(self) {}

    Value resolve(const std::string& name, const Path& path, Loc loc,
                  std::size_t& used) const override;
    std::optional<Path> instances(const std::string& name, const Path& path) const override;

    /// Checks that the target of a reference exists, without evaluating anything.
    /// @throws Error(spec) as resolve() does
    void check(const Reference& reference) const;

  private:
    Value resolve_open(const std::string& name, const Path& path, Loc loc, std::size_t& used) const;
    void check_names(const Reference& reference) const;
    const Variable& declared(const std::string& name, Loc loc) const;
    const Output& output(const ModuleBlock& call, const std::string& name, Loc loc) const;
    const ModuleBlock& called(const std::string& name, Loc loc) const;
    void check_output(const Reference& reference) const;
    void check_attribute(const ResourceBlock& block, const Reference& reference,
                         std::size_t step) const;
    const Local& known_local(const std::string& name, Loc loc) const;
    const ResourceBlock& data_source(const std::string& name, Loc loc) const;
    [[noreturn]] void unknown_root(const std::string& name, Loc loc) const;

    Value variable(const Path& path, Loc loc, std::size_t& used) const;
    Value secret(const Path& path, Loc loc, std::size_t& used) const;
    Value module_outputs(const Path& path, Loc loc, std::size_t& used) const;
    Value outputs(const Scope& inside, const Path& path, Loc loc, std::size_t& used) const;
    Value local(const Path& path, Loc loc, std::size_t& used) const;
    Value data(const Path& path, Loc loc, std::size_t& used) const;
    Value count(const Path& path, Loc loc, std::size_t& used) const;
    Value each(const Path& path, Loc loc, std::size_t& used) const;
    Value resource(const ResourceBlock& block, const Path& path, Loc loc, std::size_t& used) const;

    GraphContext& context_;
    const Graph& graph_;
    const Resources& resources_;
    const Scope& scope_;
    const Instance* instance_;
    const Value* self_;
};

} // namespace hadeploy
