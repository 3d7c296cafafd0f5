#pragma once

#include "planner/lang/eval.h"

namespace hadeploy {

/// The part of a splat's value (Expr::Kind::splat) at `path`. A splat over a map gives a map, over
/// a list a list, over null an empty list, over any other value a list of one element. Only that
/// part is evaluated.
/// @throws Error(spec)
Value evaluate_splat(const Expr& expr, const Path& path, const Names& names);

} // namespace hadeploy
