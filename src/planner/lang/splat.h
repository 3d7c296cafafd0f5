#pragma once

#include "planner/lang/expr.h"

namespace hadeploy {

/// The part of a splat's value (Expr::Kind::splat) that `path` leads to. Of a map it is a map, of a
/// list a list, of null the empty list, of any other value a list of it. No more is evaluated than
/// that part needs.
/// @throws Error(spec)
Value evaluate_splat(const Expr& expr, const Path& path, const Names& names);

} // namespace hadeploy
