#pragma once

#include "cli/context.h"

#include <optional>

namespace hadeploy::cli {

// The fast path for unchanged projects. A plan without changes saves a note of its inputs: the
// serial of the state, and a digest of the files of the spec, the variables and this program. While
// these inputs are the same, only objects that can change outside hadeploy are read and compared
// with their records. The fast path does not apply if an input differs, or if the spec reads local
// files or has secrets (of which not even a digest is kept).

/// The plan if it is known to be empty; nullopt if the normal path is needed. Reads are not
/// announced, because the normal path can repeat them.
/// @param project  must not be loaded
std::optional<Plan> known_unchanged(const Project& project, const PlanOptions& options);

/// Calls known_unchanged() with the options of the command line; a signal cancels the reads.
std::optional<Plan> unchanged_plan(const Context& context);

/// Saves the inputs of a plan that found nothing to do.
void note_unchanged(const Project& project, const PlanOptions& options, const Store& store,
                    const PlannedRun& prepared);

} // namespace hadeploy::cli
