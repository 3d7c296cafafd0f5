#pragma once

#include "cli/render/graph.h"

namespace hadeploy::cli {

/// Layout of a drawing: columns by the longest path to a box without dependencies, each ordered so
/// that few edges cross.
struct Layers {
    struct Place {
        std::size_t layer = 0, row = 0;
    };
    std::vector<Place> boxes; ///< by box of the drawing
    /// By edge of the drawing: its positions in the columns between, starting at the dependency.
    std::vector<std::vector<Place>> bends;
    std::vector<std::size_t> rows; ///< number of places by layer
};

Layers lay_out(const Drawing& drawing);

} // namespace hadeploy::cli
