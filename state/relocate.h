#pragma once

#include "state/store.h"

namespace hadeploy::state {

/// A move of a state with its journal and history to another place.
struct Relocating {
    StateLocation from, to; ///< files with absolute paths
    std::string project;    ///< expected project; "" accepts any
    KeySource key;
    Form form;
    /// Takes the lock of a state at a place. @throws Error(locked)
    std::function<void(Store&, const StateLocation&)> lock;
    /// Gets a line about each step when it is durable.
    std::function<void(const std::string&)> tell;
};

struct Relocated {
    bool before = false; ///< nothing was left to do
    std::size_t resources = 0, open_changes = 0, runs = 0;
    std::int64_t serial = 0;
};

/// Moves a state:
///
/// 1. The target gets a copy of all tables in one transaction, with the mark that it is a copy.
/// 2. It is read back, authenticated and compared with the source.
/// 3. The source gets the mark that it was moved.
/// 4. The target loses its mark.
///
/// So one place at most is usable at any moment, and the marks tell a second call where an
/// interrupted one has to be continued. Secrets and MACs are copied as they are, with the check of
/// the key: they are valid with the key of the source. A key file is not moved. All of this happens
/// with both locks held.
/// @throws Error(state) when there is no source, when the target contains anything but an earlier
///         copy of the source, or when either was moved to a third place; Error(locked)
Relocated relocate(const Relocating& what);

} // namespace hadeploy::state
