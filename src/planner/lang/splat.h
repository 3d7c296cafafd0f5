#pragma once

#include "planner/lang/eval.h"

namespace hadeploy {

/// Evaluates the part of a splat's value (Expr::Kind::splat) at `path`, and nothing else. A splat
/// over a map gives a map, over a list a list, over null an empty list, and over any other value a
/// list of one element.
/// @throws Error(spec)
Value evaluate_splat(const Expr& expr, const Path& path, const Names& names);

} // namespace hadeploy
