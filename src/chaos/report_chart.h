#pragma once

#include "chaos/report.h"

#include <string>

namespace hadeploy::chaos {

/// The timeline as inline SVG: latency and failed requests over time, each fault as a band over
/// both. Its colours come from the classes that the page's style defines.
std::string timeline_chart(const Report& report);

} // namespace hadeploy::chaos
