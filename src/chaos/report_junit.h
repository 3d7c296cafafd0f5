#pragma once

#include "chaos/report.h"

namespace hadeploy::chaos {

/// The report as JUnit XML: one test case for each threshold. INCONCLUSIVE misses are errors, and
/// what was not measured is skipped.
std::string to_junit(const Report& report);

} // namespace hadeploy::chaos
