#pragma once

#include "state/store.h"

namespace hadeploy::state {

/// A move of a state, with its journal and history, to another location.
struct Relocating {
    StateLocation from, to; ///< files with absolute paths
    std::string project;    ///< expected project; "" accepts any
    KeySource key;
    Form form;
    /// Locks the state at a location. @throws Error(locked)
    std::function<void(Store&, const StateLocation&)> lock;
    /// Receives a line about each step when the step is durable.
    std::function<void(const std::string&)> tell;
};

struct Relocated {
    bool before = false; ///< an earlier call had completed the move
    std::size_t resources = 0, open_changes = 0, runs = 0;
    std::int64_t serial = 0;
};

/// Moves a state:
///
/// 1. The target gets a copy of all tables in one transaction, with a mark that it is a copy.
/// 2. The copy is read back, authenticated and compared with the source.
/// 3. The source gets a mark that it was moved.
/// 4. The target loses its mark.
///
/// So at any moment at most one location is usable, and the marks show a second call where an
/// interrupted move has to continue. Secrets, MACs and the encrypted data key are copied unchanged,
/// so they need the same key as the source. A key file is not moved. Both states are locked during
/// the whole move.
/// @throws Error(state) when there is no source, when the target contains anything but an earlier
///         copy of the source, or when the source or the target was moved to a third location;
///         Error(locked)
Relocated relocate(const Relocating& what);

} // namespace hadeploy::state
