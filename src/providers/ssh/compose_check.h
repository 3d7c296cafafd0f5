#pragma once

#include "providers/ssh/compose.h"

namespace hadeploy::ssh::docker {

/// Reports everything that `docker stack deploy` would reject, silently change, or misread.
void check_compose(const Compose& compose, const Value& variables, Loc place,
                   Diagnostics& diagnostics);

/// Adds a warning for each key that `docker stack deploy` ignores.
void warn_of_ignored(const Compose& compose, const Value& variables, Loc place,
                     Diagnostics& warnings);

} // namespace hadeploy::ssh::docker
