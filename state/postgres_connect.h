#pragma once

#include "state/location.h"

namespace hadeploy::postgres {

/// Checks the parameters of a URL as libpq reads them, before any connection.
/// @throws Error(usage)
void check_url(const StateLocation& location);

} // namespace hadeploy::postgres
