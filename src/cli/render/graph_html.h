#pragma once

#include "cli/render/graph.h"

namespace hadeploy::cli {

/// A page with the drawing, in which modules and blocks are folded until it is readable. The reader
/// can unfold, search, move and zoom it.
std::string to_html(const Drawing& drawing);

} // namespace hadeploy::cli
