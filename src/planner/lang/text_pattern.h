#pragma once

#include "planner/lang/functions.h"

/// Regular expressions and format strings; used only by functions_text.cpp.
namespace hadeploy::pattern {

Value first(const Call& call);
Value all(const Call& call);
std::string replace(const Call& call, const std::string& text, const std::string& pattern,
                    const std::string& with);
/// The first argument is the format, the others are the values to insert.
Value format(const Call& call);

} // namespace hadeploy::pattern
