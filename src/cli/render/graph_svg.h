#pragma once

#include "cli/render/graph.h"

namespace hadeploy::cli {

/// Draws boxes in columns, dependencies to the left. The result is self-contained. No other program
/// is needed.
std::string to_svg(const Drawing& drawing);

} // namespace hadeploy::cli
