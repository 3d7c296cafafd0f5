#pragma once

#include "bench/report.h"

#include <string>

namespace hadeploy::bench {

/// @param before  the report to compare with; nullptr: none
std::string render(const Report& report, const Report* before);

} // namespace hadeploy::bench
