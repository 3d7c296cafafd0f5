#pragma once

#include "planner/lang/expr.h"

#include <cstdint>
#include <string>
#include <vector>

namespace hadeploy {

/// The keys of a block's instances, sorted, from the value of its for_each.
/// @throws Error(spec): the value is not known before apply, is secret, or is neither a map nor a
///         list of names
std::vector<std::string> instance_keys(const Value& over, const Expr& expr);

/// The number of a block's instances, from the value of its count.
/// @throws Error(spec)
std::int64_t instance_count(const Value& count, const Expr& expr);

} // namespace hadeploy
