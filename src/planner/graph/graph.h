#pragma once

#include "core/heap_optional.h"
#include "planner/lang/eval.h"
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

/// Identifies one instance of a block: the values of `each` and `count`.
struct Instance {
    std::string key = {};                   ///< key of for_each; with count: the index in digits
    std::optional<std::int64_t> index = {}; ///< index of count
    const Expr* over = nullptr;             ///< with for_each: the collection
    /// Represents an unknown number of instances, whose key and index are unknown. The number is
    /// unknown if it depends on a variable without a value, as when only the spec is checked.
    bool any = false;
    bool of_set = false; ///< the collection is a list of names: each.value is the key
    /// The collection, if it does not depend on a resource. Otherwise null, and each.value is
    /// evaluated at each use, because it can become known later.
    Value values = {};
};

/// An instance of a module, in which names are looked up.
struct Scope {
    const Module* module = nullptr;
    std::size_t number = 0;            ///< index among the scopes of its graph
    std::string prefix = {};           ///< "", "module.cluster." or `module.site["a"].`
    const Scope* parent = nullptr;     ///< scope of the module call
    const ModuleBlock* call = nullptr; ///< nullptr for the root
    Instance instance = {};
    /// Whether its inputs or rules depend on resources, so that they are checked again in apply.
    bool open = false;
};

/// A part of a resource that `ignore_changes` names.
struct IgnoredPart {
    std::string attribute;
    Path path = {}; ///< keys and indices of the part; empty: the whole attribute
};

/// A lifecycle with its expressions evaluated.
struct LifecycleValues {
    std::optional<bool> prevent_destroy = {};       ///< unset: use the record
    std::optional<bool> keep_on_destroy = {};       ///< unset: use the record
    std::optional<bool> create_before_destroy = {}; ///< unset: see creates_first()
    bool ignore_all = false;
    std::vector<IgnoredPart> ignored = {};
    std::vector<std::string> silenced = {}; ///< names of warnings
};

/// One resource of the expanded spec.
struct Node {
    std::string address; ///< `module.cluster.swarm["node1"]`
    const ResourceType* type = nullptr;
    const ResourceBlock* block = nullptr;
    const Scope* scope = nullptr;
    HeapOptional<Instance> instance = {}; ///< none where the block has neither for_each nor count
    std::vector<NodeId> triggers = {};    ///< resources whose changes replace this one
    std::vector<NodeId> awaited = {}; ///< for a data source: the dependencies named in depends_on
    std::vector<NodeId> deps = {};    ///< direct dependencies, sorted
    /// Whether a replacement creates the new object before it removes the old one, because of the
    /// lifecycle of this node or of a node that depends on it.
    bool create_first = false;
    HeapOptional<LifecycleValues> own_lifecycle = {}; ///< see lifecycle()

    /// The block's own lifecycle, or the default.
    [[nodiscard]] const LifecycleValues& lifecycle() const;
    /// The block's own create_before_destroy, or the default of the type.
    [[nodiscard]] bool creates_first() const {
        return lifecycle().create_before_destroy.value_or(type->create_before_destroy);
    }
};

struct GraphContext;

/// The index of a block among the blocks of its kind in a module.
template<class Block>
std::size_t index_of(const std::vector<Block>& blocks, const Block& one) {
    return static_cast<std::size_t>(&one - blocks.data());
}

/// The message of a rule that is false; nullopt if the rule is true or not known yet.
/// @throws Error(spec) if its check is not a boolean
std::optional<std::string> broken_rule(const Rule& rule, const Names& names);
/// Checks the preconditions of an output. @throws Error(spec) if one is false
void check_preconditions(const Output& output, const Names& names);

/// Whether two nodes are instances of the same block, and the block has `serial`, which changes its
/// instances one after the other.
bool is_serial_pair(const Node& a, const Node& b);

/// The expanded spec: every resource with its dependencies. Node IDs are dense and sorted by
/// address; `order` is a topological order, dependencies first.
class Graph {
  public:
    /// The known attributes of a node: planned ones, or real ones after apply.
    using Values = std::function<Value(NodeId)>;

    /// Expands a loaded spec.
    /// @throws Error: unknown names and types, cycles (with their whole path), a for_each whose
    ///         keys are not known before apply
    Graph(const Spec& spec, const Registry& registry, Value variables);
    Graph(const Graph&) = delete;
    Graph& operator=(const Graph&) = delete;

    [[nodiscard]] const std::vector<Node>& nodes() const { return nodes_; }
    [[nodiscard]] const Node& operator[](NodeId id) const { return nodes_[id]; }
    [[nodiscard]] const std::vector<NodeId>& order() const { return order_; }
    [[nodiscard]] std::optional<NodeId> find(const std::string& address) const;
    /// The addresses of the resources that a node depends on, for its record. Data sources are not
    /// recorded, so a data source is replaced by its own dependencies.
    [[nodiscard]] std::vector<std::string> dependencies(NodeId id) const;
    [[nodiscard]] const Spec& spec() const { return spec_; }
    [[nodiscard]] const Registry& registry() const { return registry_; }
    [[nodiscard]] const Scope& root() const { return *scopes_.front(); }
    /// The import to an address; nullptr if there is none.
    [[nodiscard]] const Import* import_of(const std::string& address) const;
    /// All imports, by address.
    [[nodiscard]] std::map<std::string, Import> imports() const;

    /// The config of a node: its attributes evaluated with `values`, in canonical form, with
    /// defaults and derived attributes (ResourceType::derive). Checks the preconditions of the
    /// node.
    Value config(NodeId id, const Values& values, Diagnostics& diagnostics) const;
    /// The settings of a provider, normalized; an empty map if the spec has none.
    Value settings(const Provider& provider, Diagnostics& diagnostics) const;
    /// The settings of failure drills, not normalized; null if the spec has none.
    Value chaos_settings(const Values& values) const;
    /// Evaluates an expression in the root module.
    /// @throws Error(spec), also for a part of a resource that does not exist whose value is
    /// unknown
    Value value(const Expr& expr, const Values& values) const;
    /// The nodes that an attribute of a node refers to, sorted.
    std::vector<NodeId> sources(NodeId id, const std::string& attribute) const;
    /// The root's outputs.
    Value outputs(const Values& values, Diagnostics& diagnostics) const;
    /// Checks the types of the inputs of all modules, and the rules of all variables. Values that
    /// are not known yet pass the checks.
    void check_inputs(const Values& values, Diagnostics& diagnostics) const;
    /// Check the inputs and rules that depend on resources. check_open_inputs() does this for all
    /// modules, check_inputs_of() for the modules that contain a node.
    void check_open_inputs(const Values& values, Diagnostics& diagnostics) const;
    void check_inputs_of(NodeId id, const Values& values, Diagnostics& diagnostics) const;
    /// Checks the preconditions of the outputs of all modules. The resources of a module do not
    /// wait for these checks; only users of an output do.
    void check_output_rules(const Values& values, Diagnostics& diagnostics) const;
    /// A warning for each rule under `checks:` that is false. Values that are not known yet pass
    /// the checks.
    [[nodiscard]] std::vector<Error> broken_checks(const Values& values) const;
    /// Checks the node's postconditions against its current attributes.
    void check_postconditions(NodeId id, const Values& values, Diagnostics& diagnostics) const;

  private:
    void check_scope(const Scope& scope, GraphContext& context, Diagnostics& diagnostics) const;
    /// The inputs of a module. @returns whether all are valid
    bool check_types(const Scope& scope, GraphContext& context, Diagnostics& diagnostics) const;
    void check_rules(const Scope& scope, const Names& names, Diagnostics& diagnostics) const;
    friend class Expander;
    friend class ScopeNames;
    friend class LiveResources;
    /// The instances of the blocks of each scope: by block in the module's order, then by key or
    /// index.
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
    std::vector<Instances> instances_;      ///< by Scope::number
    std::map<std::string, Import> imports_; ///< of the root module of the spec
};

} // namespace hadeploy
