#pragma once

#include "core/error.h"
#include "core/value.h"

#include <cstdint>
#include <string>
#include <vector>

namespace hadeploy {

/// The names of a block's instances, sorted, of what its for_each, which stands at `where`, was
/// evaluated to.
/// @throws Error(spec): not known before apply, secret, no map or list of names
std::vector<std::string> instance_keys(const Value& over, Loc where);

/// The number of a block's instances, of what its count was evaluated to.
/// @throws Error(spec)
std::int64_t instance_count(const Value& count, Loc where);

} // namespace hadeploy
