#pragma once

#include "cli/render/graph.h"

namespace hadeploy::cli {

/// A page with the drawing. Modules and blocks are folded until the drawing is small enough to
/// read. The reader can unfold, search, move and zoom it.
std::string to_html(const Drawing& drawing);

} // namespace hadeploy::cli
