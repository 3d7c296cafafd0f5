#pragma once

#include "chaos/report.h"

namespace hadeploy::chaos {

/// The report as JUnit XML: one test case for each threshold. In an INCONCLUSIVE drill, misses are
/// errors. Thresholds that were not measured are skipped.
std::string to_junit(const Report& report);

} // namespace hadeploy::chaos
