#pragma once

#include "planner/graph/graph.h"

#include <set>
#include <string>

namespace hadeploy {

/// Reads what `ignore_changes` was evaluated to: "all", or names of attributes and of their parts
/// (`labels`, `labels["x"]`, `labels.x`, `ports[0]`).
/// @throws Error(spec) for what the type does not have
void read_ignored(const Value& list, const ResourceType& type, LifecycleValues& out);

/// Whether changes of all of an attribute are ignored.
bool is_ignored(const LifecycleValues& lifecycle, const std::string& attribute);

/// Whether those of a part of it are.
bool has_ignored_parts(const LifecycleValues& lifecycle, const std::string& attribute);

/// What is wanted of an attribute, with the parts that are ignored as they are now.
Value with_ignored_parts(const LifecycleValues& lifecycle, const std::string& attribute,
                         const Value& wanted, const Value& now);

/// The computed attributes that follow from ignored ones: what those were, nobody knows from the
/// spec, and so nobody knows what these should be.
std::set<std::string> follow_ignored(const LifecycleValues& lifecycle, const ResourceType& type,
                                     const Value& config);

} // namespace hadeploy
