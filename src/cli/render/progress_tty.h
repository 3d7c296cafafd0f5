#pragma once

#include "cli/render/progress.h"

namespace hadeploy::cli {

/// Shows a block with totals and one line per running step, redrawn in place; finished steps scroll
/// up above it. The cursor stays visible and every frame ends at the start of a line, so that even
/// a kill leaves a usable terminal.
std::unique_ptr<Progress> make_tty_progress(std::size_t total, ProgressOutput output,
                                            const Style& style);

} // namespace hadeploy::cli
