#pragma once

#include "planner/lang/expr.h"

namespace hadeploy {

/// Parses one string of a spec; compile() uses it for each string.
/// @throws Error(spec)
Expr parse_string(const Value& string, Sources& sources, StringPool& strings);

} // namespace hadeploy
