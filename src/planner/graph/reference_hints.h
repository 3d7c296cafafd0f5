#pragma once

#include "planner/graph/graph.h"
#include "planner/spec/references.h"

#include <string>
#include <string_view>
#include <vector>

namespace hadeploy {

/// Suggests a correction of a reference to an unknown name; "" if there is no suggestion.
/// Recognizes a resource named with its type, as in Terraform, a key without quotes, and a name
/// without its root.
std::string reference_hint(const Module& module, const Registry& registry, const Reference& r);

/// A warning for each string in the spec that equals a reference to something that exists, except
/// that the ${} is missing.
std::vector<std::string> bare_references(const Graph& graph);

/// A hint for `${env.NAME}` by a user who expects a variable of the process's environment.
std::string environment_hint(std::string_view name);

} // namespace hadeploy
