#pragma once

#include "cli/commands.h"
#include "cli/project.h"
#include "planner/plan/moves.h"

namespace hadeploy::cli {

/// What a run was made from, for the history: the spec's files by their paths from the project's
/// directory, the values of variables and secrets, the settings of providers, and whether it
/// removed everything. The files are secret as a whole, since a default in them may be. A run
/// without a spec keeps what the run before it was made from.
Value spec_record(const Project& project, const PlannedRun& prepared);

/// The way back over the moves of all runs after run `to`, the latest first.
std::vector<Moves> moves_back(const std::vector<Run>& runs, std::int64_t to);

/// Loads the project as it was when the record was made.
/// @returns whether that run removed everything
/// @throws Error; Error(state) when the record is of an older hadeploy, which kept no secrets;
///         Error(usage) when that run was about a part of its spec only
bool load_record(const Value& record, Project& project);

/// Loads the project for a removal, which needs no more than the state. Where the spec can't be
/// used, that is reported, and the settings of providers are those of the last run.
/// @throws Error, Error of the spec: where there is no state, or no run to know the settings by
void load_for_removal(Context& context);

} // namespace hadeploy::cli
