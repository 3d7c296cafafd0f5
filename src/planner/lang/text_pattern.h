#pragma once

#include "planner/lang/functions.h"

/// Regular expressions and format strings. Used by functions_text.cpp alone.
namespace hadeploy::pattern {

Value first(const Call& call);
Value all(const Call& call);
std::string replace(const Call& call, const std::string& text, const std::string& pattern,
                    const std::string& with);
/// The first argument is the format, the others what goes into it.
Value format(const Call& call);

} // namespace hadeploy::pattern
