#pragma once

#include "core/value.h"

namespace hadeploy {

/// Charges the cost of traversing a value to the evaluation in progress on this thread: one step
/// for each KiB. If the limit is exceeded, the evaluation's next step fails.
void spend(const Value& value);

} // namespace hadeploy
