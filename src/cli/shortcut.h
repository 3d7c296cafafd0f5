#pragma once

#include "cli/project.h"

#include <optional>

namespace hadeploy::cli {

/// The way that needs no spec. When a plan has found nothing to do, what it followed from is noted:
/// a digest of the spec's files, the variables and this program, and the state's serial. As long as
/// these are the same, the world alone decides: what can change outside is read and compared with
/// its record, and nothing else is done. It gives no answer where any of that is not so, where the
/// spec looks at local files, or where it has secrets (of which not even a digest is kept).

/// The plan, when it is known to be empty; nothing when that takes the long way.
/// What it reads it does not announce: the long way may read it again.
/// @param project  one that is not loaded
std::optional<Plan> known_unchanged(const Project& project, const PlanOptions& options);

/// Notes what a plan followed from, when it found nothing to do.
void note_unchanged(const Project& project, const PlanOptions& options, const Store& store,
                    const PlannedRun& prepared);

} // namespace hadeploy::cli
