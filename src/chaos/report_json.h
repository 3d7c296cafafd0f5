#pragma once

#include "chaos/report.h"

namespace hadeploy::chaos {

/// The report as one JSON object. Times are in milliseconds.
std::string to_json(const Report& report);

} // namespace hadeploy::chaos
