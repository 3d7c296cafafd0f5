#pragma once

#include "providers/ssh/compose_report.h"

namespace hadeploy::ssh::docker {

/// Reports scalars that YAML does not read as strings, duplicate keys, and each $ that does not
/// start a variable, or starts one without a value.
void check_texts(const ComposeReport& report);

} // namespace hadeploy::ssh::docker
