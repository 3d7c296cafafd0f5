#pragma once

#include "cli/project.h"

namespace hadeploy::cli {

/// The way that needs no spec. When a plan has found nothing to do, what it followed from is noted:
/// a digest of the spec's files, the variables and this program, and the state's serial. As long as
/// these are the same, the world alone decides: what can change outside is read and compared with
/// its record, and nothing else is done. It gives no answer where any of that is not so, where the
/// spec looks at local files, or where it has secrets (of which not even a digest is kept).

/// Whether the plan is known to be empty.
/// @param project  one that is not loaded
bool is_unchanged(const Project& project, const Store& store, Events& events);

/// Notes what a plan followed from, when it found nothing to do.
void note_unchanged(const Project& project, const Store& store, const Prepared& prepared);

} // namespace hadeploy::cli
