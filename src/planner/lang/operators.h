#pragma once

#include "core/value.h"

#include <string_view>

namespace hadeploy {

/// `!x` and `-x` of a known value.
/// @throws Error(spec) at `loc`: wrong type, overflow
Value apply_unary(std::string_view op, const Value& operand, Loc loc);

/// `a + b`, `a == b`, ... of known values. && and || are handled elsewhere, because they do not
/// always evaluate their second operand. Integers stay integers, except that a division with a
/// remainder gives a number.
/// @throws Error(spec) at `loc`: wrong type, overflow, division by zero
Value apply_binary(std::string_view op, const Value& left, const Value& right, Loc loc);

} // namespace hadeploy
