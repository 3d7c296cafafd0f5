#pragma once

#include "providers/ssh/compose_report.h"

namespace hadeploy::ssh::docker {

/// Reports violated dependencies between keys, for example use of an undefined network.
void check_rules(const ComposeReport& report);

} // namespace hadeploy::ssh::docker
