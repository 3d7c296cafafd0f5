#pragma once

#include "cli/render/graph.h"

namespace hadeploy::cli {

/// Draws boxes in columns, dependencies to the left. Self-contained; needs no other program.
std::string to_svg(const Drawing& drawing);

} // namespace hadeploy::cli
