#pragma once

#include "planner/claims.h"
#include "planner/plan.h"
#include "planner/step_order.h"

#include <map>
#include <string>

namespace hadeploy {

/// Adds an error for each removal that would delete the contents of a directory, or the like
/// (ResourceType::takes_along), in which an object lies that is kept. Contents that are made again
/// with what they are in are made after that was removed.
/// @param graph    may be none: everything is removed
/// @param claims   of the spec
/// @param takings  such an order is added to them
void refuse_removal_of_kept_contents(const Plan& plan, const World& world, const Registry& registry,
                                     const Graph* graph, const Claims& claims,
                                     std::vector<Taking>& takings, Problems& problems);

/// Whether a node depends on the resource of an address, directly or not.
bool depends_on(const Graph& graph, const Node& node, const std::string& address);

/// Adds an error for each `moved:` entry whose old address the spec still has.
void refuse_moved_but_there(const Graph& graph, Problems& problems);

/// Adds an error for each `removed:` entry whose address the spec still has.
void refuse_removed_but_there(const Graph& graph, Problems& problems);

/// Adds a notice for each pair of a removed and a created resource that may be the same object.
/// @param look_alikes  the removed address, by the created one
void add_look_alike_notices(Plan& plan, const std::map<std::string, std::string>& look_alikes);

/// Adds a notice for each `removed:` entry that names nothing in the state: a misspelt entry
/// leaves another resource to be destroyed.
void add_unmatched_removed_notices(Plan& plan, const World& world, const Spec& spec);

} // namespace hadeploy
