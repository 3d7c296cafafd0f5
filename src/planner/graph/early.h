#pragma once

#include "planner/graph/graph.h"

namespace hadeploy {

/// The value of what has to be known before any resource is looked at: it goes by variables,
/// locals, `each` and `count`.
/// @param what  what messages call it: "prevent_destroy"
/// @throws Error(spec), with the place of the expression, when a resource, a data source or a
/// module
///         has a part in it, or a secret
Value evaluate_early(const Expr& expr, const Graph& graph, const Scope& scope,
                     const Instance* instance, std::string_view what);

/// A block's lifecycle for one of its instances.
/// @throws Error(spec)
LifecycleValues lifecycle_values(const ResourceBlock& block, const ResourceType& type,
                                 const Graph& graph, const Scope& scope, const Instance* instance);
/// Whether there is anything to evaluate.
bool has_lifecycle_values(const ResourceBlock& block);

/// The address that a pattern stands for.
/// @throws Error(spec)
std::string address_of(const AddressPattern& pattern, const Graph& graph, const Scope& scope,
                       const Instance* instance, std::string_view what);

/// What is to become of an object that is to go.
struct Leaving {
    bool prevented = false; ///< prevent_destroy: it must not go
    bool kept = false;      ///< keep_on_destroy: it stays, only the state forgets it
    Loc loc = {};           ///< of its block, if there is one
};

/// As the block says of which it is, or was, an instance or a generation; else as recorded.
/// @param graph  nullptr: as recorded
Leaving leaving_of(const RecordedResource& recorded, const Graph* graph);

} // namespace hadeploy
