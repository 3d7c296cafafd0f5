#pragma once

#include "core/heap_optional.h"
#include "planner/spec/spec.h"
#include "provider_api/provider.h"

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

namespace hadeploy {

using NodeId = std::uint32_t;

/// Which of the instances of its block something is: what `each` and `count` mean there.
struct Instance {
    std::string key = {};                   ///< of for_each; of count the index in digits
    std::optional<std::int64_t> index = {}; ///< of count
    const Expr* over = nullptr;             ///< of for_each: what it goes over
    /// It stands for however many there are: that follows from a variable without a value, as a
    /// check of the spec alone may have it. Key and index are unknown.
    bool any = false;
    bool of_set = false; ///< that is a list: each.value is the key
    /// What it goes over where no resource has a part in that; otherwise null, and each.value is
    /// evaluated anew, for it may be known later.
    Value values = {};
};

/// An instance of a module: where names are looked up.
struct Scope {
    const Module* module = nullptr;
    std::size_t number = 0;            ///< among the scopes of its graph
    std::string prefix = {};           ///< "", "module.cluster." or `module.site["a"].`
    const Scope* parent = nullptr;     ///< where the module was called
    const ModuleBlock* call = nullptr; ///< nullptr for the root
    Instance instance = {};
    /// What it is given, or its rules go by, follows from resources: checked again in apply.
    bool open = false;
};

/// A part of a resource that `ignore_changes` names.
struct IgnoredPart {
    std::string attribute;
    Path path = {}; ///< keys and indices of the part; empty: all of the attribute
};

/// A lifecycle with its expressions evaluated.
struct LifecycleValues {
    std::optional<bool> prevent_destroy = {}; ///< unset: as the record says
    std::optional<bool> keep_on_destroy = {}; ///< unset: as the record says
    bool create_before_destroy = false;
    bool ignore_all = false;
    std::vector<IgnoredPart> ignored = {};
};

/// One resource of the expanded spec.
struct Node {
    std::string address; ///< `module.cluster.swarm["node1"]`
    const ResourceType* type = nullptr;
    const ResourceBlock* block = nullptr;
    const Scope* scope = nullptr;
    HeapOptional<Instance> instance = {}; ///< none where the block has neither for_each nor count
    std::vector<NodeId> triggers = {};    ///< whose changes replace it
    std::vector<NodeId> awaited = {};     ///< of a data source: deps that a depends_on names
    std::vector<NodeId> deps = {};        ///< sorted; direct ones only
    /// A replacement is made before the old one goes: by its lifecycle, or because something rests
    /// on it that is replaced so.
    bool create_first = false;
    HeapOptional<LifecycleValues> own_lifecycle = {}; ///< see lifecycle()

    /// Its own, or that of a block that says nothing.
    [[nodiscard]] const LifecycleValues& lifecycle() const;
};

class Resources;

/// Which of a module's blocks of its kind it is.
template<class Block>
std::size_t index_of(const std::vector<Block>& blocks, const Block& one) {
    return static_cast<std::size_t>(&one - blocks.data());
}

/// What a rule says when it does not hold; nothing when it does, or can't be told yet.
/// @throws Error(spec) when its check is no boolean
std::optional<std::string> broken_rule(const Rule& rule, const Names& names);
/// @throws Error(spec) when a precondition of the output does not hold
void check_preconditions(const Output& output, const Names& names);

/// Whether two nodes are instances of one block whose instances are changed one after the other.
bool is_serial_pair(const Node& a, const Node& b);

/// The expanded spec: every resource with what it depends on. Node ids are dense, and follow the
/// addresses' order; `order` is a topological one (dependencies first).
class Graph {
  public:
    /// What a node's attributes are, as far as they are known: planned, or real once applied.
    using Values = std::function<Value(NodeId)>;

    /// Expands a loaded spec.
    /// @throws Error: unknown names and types, cycles (with their whole path), for_each over
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
    [[nodiscard]] const Scope& root() const { return *scopes_.front(); }
    /// What is imported under an address; nullptr: nothing.
    [[nodiscard]] const Import* import_of(const std::string& address) const;
    /// All imports, by their addresses.
    [[nodiscard]] std::map<std::string, Import> imports() const;

    /// The node's config: its attributes evaluated with `values`, in canonical form, completed by
    /// defaults and by what follows from it (ResourceType::derive). Its preconditions are checked.
    Value config(NodeId id, const Values& values, Diagnostics& diagnostics) const;
    /// The settings of a provider, normalized; an empty map where the spec has none.
    Value settings(const Provider& kind, Diagnostics& diagnostics) const;
    /// The settings of failure drills as the spec gives them, not normalized; null where there are
    /// none.
    Value chaos_settings(const Values& values) const;
    /// An expression's value, as the spec's own file would see it.
    /// @throws Error(spec)
    Value value(const Expr& expr, const Values& values) const;
    /// The nodes that an attribute of a node refers to: where its value comes from. Sorted.
    std::vector<NodeId> sources(NodeId id, const std::string& attribute) const;
    /// The root's outputs.
    Value outputs(const Values& values, Diagnostics& diagnostics) const;
    /// Checks the types of all modules' inputs, and the rules of all variables; what is not known
    /// yet passes.
    void check_inputs(const Values& values, Diagnostics& diagnostics) const;
    /// The same for what resources have a part in: of all modules, or of those that a node is in.
    void check_open_inputs(const Values& values, Diagnostics& diagnostics) const;
    void check_inputs_of(NodeId id, const Values& values, Diagnostics& diagnostics) const;
    /// Checks the preconditions of the outputs of all modules. What is in a module goes on without:
    /// only what uses an output waits for them.
    void check_output_rules(const Values& values, Diagnostics& diagnostics) const;
    /// A warning for each rule under `checks:` that does not hold; what is not known yet passes.
    [[nodiscard]] std::vector<Error> broken_checks(const Values& values) const;
    /// Checks the node's postconditions with its own attributes as they are.
    void check_postconditions(NodeId id, const Values& values, Diagnostics& diagnostics) const;

  private:
    void check_scope(const Scope& scope, const Resources& resources,
                     Diagnostics& diagnostics) const;
    void check_rules(const Scope& scope, const Names& names, Diagnostics& diagnostics) const;
    friend class Expander;
    friend class ScopeNames;
    friend class LiveResources;
    /// Of a scope's blocks, in their order: what each stands for, in the order of keys or indices.
    struct Instances {
        std::vector<std::vector<NodeId>> resources;
        std::vector<std::vector<const Scope*>> modules;
    };

    const Spec& spec_;
    const Registry& registry_;
    Value variables_;
    std::vector<std::unique_ptr<Scope>> scopes_; ///< parents before children
    std::vector<Node> nodes_;
    std::vector<NodeId> order_;
    std::unordered_map<std::string, NodeId> by_address_;
    std::vector<Instances> instances_;      ///< by the number of the scope
    std::map<std::string, Import> imports_; ///< of the spec
};

} // namespace hadeploy
