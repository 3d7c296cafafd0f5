#pragma once

#include "cli/render/progress.h"

namespace hadeploy::cli {

/// Below, a block with the totals and a line a running step, redrawn in place; what is finished
/// scrolls up above it as a line of its own. The cursor stays visible and every frame ends where
/// ordinary output may go on, so that even a kill leaves a usable terminal.
std::unique_ptr<Progress> make_tty_progress(std::size_t total, ProgressOutput output,
                                            const Style& style);

} // namespace hadeploy::cli
