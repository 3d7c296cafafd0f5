#pragma once

#include "planner/graph/imports.h"
#include "planner/plan/decide.h"
#include "planner/plan/plan.h"

#include <string>

namespace hadeploy {

/// Decides how to import an existing object that hadeploy did not create: whether only to record
/// it, or also to change it.
/// @throws Error if the object does not exist or cannot be adopted; the observation's own error if
///         it could not be read
Decision decide_import(const ResourceType& type, const Value& config, const Observation& observed,
                       const Import& import);

/// The error for the import of an object that cannot be read before apply.
Error import_too_early(const Import& import);

/// The record of an imported object in its current form. The next plan finds differences from the
/// spec.
/// @throws Error(failed) if a part of its config is known only after apply
RecordedResource imported(const std::string& address, const Plan& plan, const Graph& graph);

} // namespace hadeploy
