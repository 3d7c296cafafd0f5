#pragma once

#include "planner/graph/graph.h"
#include "planner/plan/plan.h"
#include "planner/plan/prior_state.h"

#include <optional>
#include <string>
#include <vector>

namespace hadeploy {

/// Adds the problems that ResourceType::check_making() finds in the config of a new object, unless
/// a resource that is applied earlier can still create the local files that the config names.
void check_making(const Node& node, const Value& config, Diagnostics& diagnostics);

/// A new object that lacks a prerequisite, as found when the object was read (Observation::lacks).
struct Lacking {
    NodeId node = 0;
    std::string what;  ///< the directory, in quotes; "" if it is secret
    std::string claim; ///< claim of a resource that would create the directory: the object's own
                       ///< claim, but with this path
};

/// The directory that an object needs and that was missing when the object was read; nullopt if
/// none was missing, or if the claims of the type do not contain the path of the object.
std::optional<Lacking> lacking_of(NodeId node, const ResourceType& type, const Value& config,
                                  const Observation& seen);

/// Adds a warning for each prerequisite that no step of the plan creates. @param lacking  objects
/// that no other step precedes
void warn_of_lacking(const std::vector<Lacking>& lacking, const Graph& graph, Plan& plan);

/// Adds the warnings of the type about the config, without those that the lifecycle silences.
void add_warnings(const Node& node, const Value& config, std::vector<Error>& warnings);

/// Adds the result of ResourceType::remark() for a new object.
/// @param observed  attributes of the object if it exists already; otherwise null
void add_remark(const Node& node, const Value& config, const Value& observed,
                std::vector<std::string>& notices);

/// Warns if an object that is not recorded exists where a replacement creates the new object,
/// because the replacement would adopt it. If the replacement cannot adopt it, this is an error of
/// the plan, so the old object is not removed.
void check_new_place(const PriorState& prior, const Node& node, const Value& config,
                     std::vector<Error>& warnings, Diagnostics& diagnostics);

} // namespace hadeploy
