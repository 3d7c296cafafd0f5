#pragma once

#include "planner/graph/graph.h"
#include "planner/plan/plan.h"
#include "planner/plan/prior_state.h"

#include <optional>
#include <string>
#include <vector>

namespace hadeploy {

/// Adds the problems that ResourceType::check_making() finds in the config of a new object, unless
/// a resource that comes before it can still create the local files that the config names.
void check_making(const Node& node, const Value& config, Diagnostics& diagnostics);

/// A new object with a missing prerequisite, found when it was read (Observation::lacks).
struct Lacking {
    NodeId node = 0;
    std::string what;  ///< the directory, in quotes; "" if it is secret
    std::string claim; ///< the claim of a resource that would create it: the object's own claim
                       ///< with that path
};

/// The directory that an object needs and that was missing when it was read; nothing if none was,
/// or if the claims of its type do not contain its path.
std::optional<Lacking> lacking_of(NodeId node, const ResourceType& type, const Value& config,
                                  const Observation& seen);

/// Adds a warning for each prerequisite that no step of the plan creates. No other step precedes
/// these objects.
void warn_of_lacking(const std::vector<Lacking>& lacking, const Graph& graph, Plan& plan);

/// Adds the warnings of ResourceType::warn() about the config.
void add_warnings(const Node& node, const Value& config, std::vector<Error>& warnings);

/// Adds ResourceType::remark() about a new object.
/// @param observed  the attributes of an object that exists already; null if there is none
void add_remark(const Node& node, const Value& config, const Value& observed,
                std::vector<std::string>& notices);

/// Warns of an object that is not recorded at the place where a replacement creates its own: the
/// replacement adopts it. An object that it cannot adopt is an error, before the old one is
/// removed.
void check_new_place(const PriorState& prior, const Node& node, const Value& config,
                     std::vector<Error>& warnings, Diagnostics& diagnostics);

} // namespace hadeploy
