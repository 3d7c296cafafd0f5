#pragma once

#include "providers/ssh/compose_report.h"

namespace hadeploy::ssh::docker {

/// Reports keys that a swarm ignores, as warnings.
void check_ignored(const ComposeReport& report);

} // namespace hadeploy::ssh::docker
