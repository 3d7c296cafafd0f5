#pragma once

#include "bench/report.h"

#include <string>

namespace hadeploy::bench {

/// One page that loads nothing.
/// @param before  the report to compare with; nullptr: none
std::string to_html(const Report& report, const Report* before);

} // namespace hadeploy::bench
