#pragma once

#include "planner/provider.h"
#include "planner/spec.h"

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

namespace hadeploy {

using NodeId = std::uint32_t;

/// An instance of a module: where names are looked up.
struct Scope {
    const Module* module = nullptr;
    std::string prefix;                                     ///< "" or "module.cluster."
    const Scope* parent = nullptr;                          ///< where the module was called
    const ModuleBlock* call = nullptr;                      ///< nullptr for the root
    std::unordered_map<std::string, const Scope*> children; ///< by the call's name
};

/// One resource of the expanded spec.
struct Node {
    std::string address; ///< `module.cluster.swarm["node1"]`
    const ResourceType* type = nullptr;
    const ResourceBlock* block = nullptr;
    const Scope* scope = nullptr;
    std::string key; ///< of for_each; of count the index in digits
    bool keyed = false;
    std::optional<std::int64_t> index; ///< of count
    bool of_set = false;               ///< for_each goes over a list: each.value is the key
    std::vector<NodeId> triggers = {}; ///< whose changes replace it
    std::vector<NodeId> awaited = {};  ///< of a data source: deps that a depends_on names
    std::vector<NodeId> deps;          ///< sorted; direct ones only
};

/// What a rule says when it does not hold; nothing when it does, or can't be told yet.
/// @throws Error(spec) when its check is no boolean
std::optional<std::string> broken_rule(const Rule& rule, const Names& names);

/// The expanded spec: every resource with what it depends on. Node ids are dense, and follow the
/// addresses' order; `order` is a topological one (dependencies first).
class Graph {
  public:
    /// What a node's attributes are, as far as they are known: planned, or real once applied.
    using Values = std::function<Value(NodeId)>;

    /// Expands a loaded spec.
    /// @throws Errors: unknown names and types, cycles (with their whole path), for_each over
    ///         something that is not known before apply
    Graph(const Spec& spec, const Registry& registry, Value variables);
    Graph(const Graph&) = delete;
    Graph& operator=(const Graph&) = delete;

    [[nodiscard]] const std::vector<Node>& nodes() const { return nodes_; }
    [[nodiscard]] const Node& operator[](NodeId id) const { return nodes_[id]; }
    [[nodiscard]] const std::vector<NodeId>& order() const { return order_; }
    [[nodiscard]] std::optional<NodeId> find(const std::string& address) const;
    /// Addresses of the resources that a node depends on, for its record: seen through data
    /// sources, of which nothing is recorded.
    [[nodiscard]] std::vector<std::string> dependencies(NodeId id) const;
    [[nodiscard]] const Spec& spec() const { return spec_; }
    [[nodiscard]] const Registry& registry() const { return registry_; }

    /// The node's config: its attributes evaluated with `values`, in canonical form, completed by
    /// defaults and by what follows from it (ResourceType::derive). Its preconditions are checked.
    Value config(NodeId id, const Values& values, Problems& problems) const;
    /// The settings of a provider, normalized; an empty map where the spec has none.
    Value settings(const ProviderKind& kind, Problems& problems) const;
    /// The settings of failure drills as the spec gives them, not normalized; null where there are
    /// none.
    Value chaos_settings(const Values& values) const;
    /// The root's outputs.
    Value outputs(const Values& values, Problems& problems) const;
    /// Checks the types of all modules' inputs, and the rules of all variables; what is not known
    /// yet passes.
    void check_inputs(const Values& values, Problems& problems) const;

  private:
    static void check_preconditions(const Node& node, const Names& names, Problems& problems);
    void check_rules(const Scope& scope, const Names& names, Problems& problems) const;
    friend class Expander;
    friend class ScopeNames;
    friend class LiveResources;
    using Instances = std::vector<NodeId>; ///< in the order of their keys or indices

    const Spec& spec_;
    const Registry& registry_;
    Value variables_;
    std::vector<std::unique_ptr<Scope>> scopes_; ///< parents before children
    std::vector<Node> nodes_;
    std::vector<NodeId> order_;
    std::unordered_map<std::string, NodeId> by_address_;
    /// of each block in each scope
    std::map<std::pair<const Scope*, const ResourceBlock*>, Instances> instances_;
};

} // namespace hadeploy
