#pragma once

#include "cli/render/graph.h"

namespace hadeploy::cli {

/// Where the boxes of a drawing stand: in columns by the longest way to what depends on nothing, in
/// each column ordered so that few edges cross.
struct Layers {
    struct Place {
        std::size_t layer = 0, row = 0;
    };
    std::vector<Place> boxes; ///< by the drawing's boxes
    /// By the drawing's edges: where they go through the columns between, from the dependency on.
    std::vector<std::vector<Place>> bends;
    std::vector<std::size_t> rows; ///< by layer: how many places it has
};

Layers lay_out(const Drawing& drawing);

} // namespace hadeploy::cli
