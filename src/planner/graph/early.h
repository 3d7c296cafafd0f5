#pragma once

#include "planner/graph/graph.h"

namespace hadeploy {

/// Evaluates an expression whose value must be known before any resource is read. It can use
/// variables, locals, `each` and `count`.
/// @param what  the name used in messages: "prevent_destroy"
/// @throws Error(spec), with the place of the expression, if its value depends on a resource, a
///         data source or a module, or is secret
Value evaluate_early(const Expr& expr, const Graph& graph, const Scope& scope,
                     const Instance* instance, std::string_view what);

/// The lifecycle of one instance of a block.
/// @throws Error(spec)
LifecycleValues lifecycle_values(const ResourceBlock& block, const ResourceType& type,
                                 const Graph& graph, const Scope& scope, const Instance* instance);
/// Whether the lifecycle has expressions to evaluate.
bool has_lifecycle_values(const ResourceBlock& block);

/// The address that a pattern evaluates to.
/// @throws Error(spec)
std::string address_of(const AddressPattern& pattern, const Graph& graph, const Scope& scope,
                       const Instance* instance, std::string_view what);

/// How the lifecycle limits the removal of an object.
struct Leaving {
    bool prevented = false; ///< prevent_destroy: it must not be removed
    bool kept = false;      ///< keep_on_destroy: only its record is removed
    Loc loc = {};           ///< place of the block, if there is one
};

/// Uses the lifecycle of the object's block, even if the block no longer has this instance or
/// generation. If there is no such block, uses the record.
/// @param graph  nullptr: use the record only
Leaving leaving_of(const RecordedResource& recorded, const Graph* graph);

} // namespace hadeploy
