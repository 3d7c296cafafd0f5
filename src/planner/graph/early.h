#pragma once

#include "planner/graph/graph.h"

namespace hadeploy {

/// Evaluates an expression whose value must be known before any resource is read. It can use
/// variables, locals, `each` and `count`.
/// @param what  name of the value in messages: "prevent_destroy"
/// @throws Error(spec), with the location of the expression, if its value depends on a resource, a
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
    bool prevented = false; ///< prevent_destroy: the object must not be removed
    bool kept = false;      ///< keep_on_destroy: only the record is removed
    Loc loc = {};           ///< location of the block, if there is one
};

/// How the removal of a recorded object is limited: by the lifecycle of its block, even if the
/// block no longer has this instance or generation; without a block, by the record.
/// @param graph  nullptr: only the record is used
Leaving leaving_of(const RecordedResource& recorded, const Graph* graph);

} // namespace hadeploy
