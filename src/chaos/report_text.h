#pragma once

#include "chaos/report.h"

namespace hadeploy::chaos {

/// The report for a terminal: verdict, figures, timeline. Plain ASCII; lines have at most 100
/// columns if names are short. Ends with a line break.
std::string render(const Report& report);

} // namespace hadeploy::chaos
