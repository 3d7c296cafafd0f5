#pragma once

#include "planner/graph/graph.h"
#include "planner/plan/plan.h"

#include <string>
#include <vector>

namespace hadeploy {

/// Adds what ResourceType::check_making() finds in the config of a new object, unless a resource
/// that comes before it may still make the local files that the config names.
void check_making(const Node& node, const Value& config, Diagnostics& diagnostics);

/// A new object, and what it needs and was not there when it was read (Observation::lacks).
struct Lacking {
    NodeId node = 0;
    std::string what;  ///< the directory, in quotes; "" when it is secret
    std::string claim; ///< of whoever makes that: the object's own, with that path
};

/// Adds a warning for each that no step of the plan makes. Nothing comes before those objects.
void warn_of_lacking(const std::vector<Lacking>& lacking, const Graph& graph, Plan& plan);

/// Adds what ResourceType::warn() finds in the config.
void add_warnings(const Node& node, const Value& config, std::vector<Error>& warnings);

} // namespace hadeploy
