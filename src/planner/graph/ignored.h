#pragma once

#include "planner/graph/graph.h"

#include <set>
#include <string>

namespace hadeploy {

/// Reads the value of `ignore_changes`: "all", or names of attributes and of their parts (`labels`,
/// `labels["x"]`, `labels.x`, `ports[0]`).
/// @throws Error(spec) if the type does not have a named attribute or part
void read_ignored(const Value& list, const ResourceType& type, LifecycleValues& out);

/// Whether changes of the whole attribute are ignored.
bool is_ignored(const LifecycleValues& lifecycle, const std::string& attribute);

/// Whether changes of parts of the attribute are ignored.
bool has_ignored_parts(const LifecycleValues& lifecycle, const std::string& attribute);

/// The desired value of an attribute, with its ignored parts replaced by their current values.
Value with_ignored_parts(const LifecycleValues& lifecycle, const std::string& attribute,
                         const Value& wanted, const Value& now);

/// The computed attributes that follow from ignored attributes. The spec does not determine an
/// ignored attribute, so it does not determine these either.
std::set<std::string> follow_ignored(const LifecycleValues& lifecycle, const ResourceType& type,
                                     const Value& config);

} // namespace hadeploy
