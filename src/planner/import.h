#pragma once

#include "planner/plan.h"

namespace hadeploy {

/// Imports to addresses that the spec does not have.
void check_imports(const Graph& graph, Problems& problems);

/// The identity of a resource that the state does not know: that of the object which is imported,
/// or else its own.
std::string new_identity(const Graph& graph, const World& world, const std::string& address);

/// What is to be done so that an object which somebody else has made is managed from now on: only
/// recorded, or changed as well.
/// @throws Error(spec) when there is none, or none that could be taken over; the observation's own
///         error when it could not be read
Decision decide_import(const ResourceType& type, const Value& config, const Observation& observed,
                       const Import& import);

} // namespace hadeploy
