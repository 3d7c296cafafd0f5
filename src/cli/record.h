#pragma once

#include "cli/project.h"

namespace hadeploy::cli {

/// What a run was made from, for the history: the spec's files by their paths from the project's
/// directory, the values of variables and secrets, and whether it removed everything. The files are
/// secret as a whole, since a default in them may be.
Value spec_record(const Project& project, const Plan& plan);

/// Loads the project as it was when the record was made.
/// @returns whether that run removed everything
/// @throws Errors; Error(state) when the record is of an older hadeploy, which kept no secrets;
///         Error(usage) when that run was about a part of its spec only
bool load_record(const Value& record, Project& project);

} // namespace hadeploy::cli
