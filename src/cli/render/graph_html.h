#pragma once

#include "cli/render/graph.h"

namespace hadeploy::cli {

/// A page that draws them, folded by module and block until it is readable; it can be unfolded,
/// searched, moved and zoomed.
std::string to_html(const Drawing& drawing);

} // namespace hadeploy::cli
