#pragma once

#include "state/sql_store.h"

/// Store::open() for commands that also open a state which was moved.
namespace hadeploy::state {

/// Where a state may be: `here`, or also if it was moved from here or is not completely here: see
/// relocation.h.
enum class Place { here, any };

std::unique_ptr<SqlStore> open_place(const StateLocation& location, Store::Mode mode,
                                     const std::string& project, const KeySource& key, Form form,
                                     Place place);

} // namespace hadeploy::state
