#pragma once

#include "core/value.h"

namespace hadeploy {

/// Counts what it costs to go through a value as steps of the evaluation that is under way on this
/// thread: one a KiB. The evaluation's next step fails when they have become too many.
void spend(const Value& value);

} // namespace hadeploy
