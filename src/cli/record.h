#pragma once

#include "cli/context.h"
#include "cli/project.h"
#include "planner/plan/moves.h"

namespace hadeploy::cli {

/// The record of a run for the history: its inputs, its origin (see run_origin()) and its plan as
/// text. The inputs are the files of the spec by their relative paths, the values of variables and
/// secrets, the provider settings, and whether the run removed everything. The files are secret as
/// a whole, because a default in them can be secret. A run without a spec records the inputs of the
/// previous run.
Value spec_record(const Project& project, const PlannedRun& prepared);

/// The values of variables in the form of a record or a saved plan: with relative paths in the
/// project.
Value variables_record(const Project& project);

/// The inverse moves of all runs after run `to`, the latest first.
std::vector<Moves> moves_back(const std::vector<Run>& runs, std::int64_t to);

/// Loads the project from the record of a run.
/// @returns whether that run removed everything
/// @throws Error; Error(state) if the record was written by an older hadeploy, which recorded no
/// secrets;
///         Error(usage) if that run was partial
bool load_record(const Value& record, Project& project);

/// Loads the project for a removal, which only needs the state. If the spec cannot be used, reports
/// this and uses the provider settings of the last run.
/// @throws Error of the spec if there is no state, or no run with provider settings
void load_for_removal(Context& context);

} // namespace hadeploy::cli
