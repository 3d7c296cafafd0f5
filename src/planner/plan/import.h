#pragma once

#include "planner/graph/imports.h"
#include "planner/plan/decide.h"
#include "planner/plan/plan.h"

#include <string>

namespace hadeploy {

/// What is to be done so that an object which somebody else has made is managed from now on: only
/// recorded, or changed as well.
/// @throws Error when there is none, or none that could be taken over; the observation's own error
///         when it could not be read
Decision decide_import(const ResourceType& type, const Value& config, const Observation& observed,
                       const Import& import);

/// What is wrong when an object is to be imported before it can be looked at.
Error import_too_early(const Import& import);

/// The record of an object that a plan imports, as it is there: what differs from the spec is for
/// the next plan to tell.
/// @throws Error(failed) when a part of its config is known only after apply
RecordedResource imported(const std::string& address, const Plan& plan, const Graph& graph);

} // namespace hadeploy
