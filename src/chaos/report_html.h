#pragma once

#include "chaos/report.h"

namespace hadeploy::chaos {

/// The report as one HTML page that loads nothing else.
std::string to_html(const Report& report);

} // namespace hadeploy::chaos
