#pragma once

#include "cli/render/graph.h"

namespace hadeploy::cli {

/// Layout of a drawing. The column of a box is the length of its longest path to a box without
/// dependencies. Each column is ordered so that few edges cross.
struct Layers {
    struct Place {
        std::size_t layer = 0, row = 0;
    };
    std::vector<Place> boxes; ///< by box of the drawing
    /// By edge of the drawing: the places of the edge in the columns between its boxes, starting at
    /// the dependency.
    std::vector<std::vector<Place>> bends;
    std::vector<std::size_t> rows; ///< number of places by layer
};

Layers lay_out(const Drawing& drawing);

} // namespace hadeploy::cli
