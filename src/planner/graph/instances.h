#pragma once

#include "planner/lang/expr.h"

#include <cstdint>
#include <string>
#include <vector>

namespace hadeploy {

/// The names of a block's instances, sorted, of what its for_each was evaluated to.
/// @throws Error(spec): not known before apply, secret, no map or list of names
std::vector<std::string> instance_keys(const Value& over, const Expr& expr);

/// The number of a block's instances, of what its count was evaluated to.
/// @throws Error(spec)
std::int64_t instance_count(const Value& count, const Expr& expr);

} // namespace hadeploy
