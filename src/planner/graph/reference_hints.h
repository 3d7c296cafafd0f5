#pragma once

#include "planner/graph/graph.h"
#include "planner/spec/references.h"

#include <string>
#include <string_view>
#include <vector>

namespace hadeploy {

/// What was meant by a reference to something that is not there: a resource named with its type, as
/// in Terraform, a key without quotes, a name without its root. "" where nothing suggests itself.
std::string reference_hint(const Module& module, const Registry& registry, const Reference& r);

/// A remark for each text of the spec that is word for word a reference to something that is there,
/// without the ${} that would make it one.
std::vector<std::string> bare_references(const Graph& graph);

} // namespace hadeploy
