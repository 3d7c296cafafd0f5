#pragma once

#include "bench/report.h"

#include <string>

namespace hadeploy::bench {

/// One line, without the newline. URLs have neither user nor query.
/// @param before  the report to compare with; nullptr: none
std::string to_json(const Report& report, const Report* before = nullptr);

/// Reads the output of to_json().
/// @param name  of the text, for messages
/// @throws Error(failed): it is something else
Report from_json(const std::string& text, const std::string& name);

} // namespace hadeploy::bench
