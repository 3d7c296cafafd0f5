#pragma once

#include "core/error.h"
#include "core/value.h"

#include <string>

/// Tolerances of probes in experiment files, with the meaning that they have in chaostoolkit.
namespace hadeploy::chaos {

/// Adds the problems of a tolerance: a scalar, a list, or a map with `type` regex, jsonpath or
/// range. A tolerance of type `probe` is Python code in chaostoolkit and is refused.
void check_tolerance(const Value& tolerance, Diagnostics& diagnostics);

/// Why a probe's result is not within a checked tolerance, for display; "" if it is.
///
/// A scalar or a list is compared with the `status` of the result if the result has one. Otherwise
/// a list of two numbers is a range, and any other list contains the accepted results.
/// @param result  a scalar, or a map with `status` (HTTP: also headers, body; a process: also
/// stdout, stderr)
std::string intolerable(const Value& tolerance, const Value& result);

} // namespace hadeploy::chaos
