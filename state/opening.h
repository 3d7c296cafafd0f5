#pragma once

#include "state/sql_store.h"

/// Store::open() for commands that also open a state that was moved.
namespace hadeploy::state {

/// Which states to accept: `here` accepts only a state that is in use at the location; `any` also
/// accepts one that was moved away or is incompletely copied. See relocation.h.
enum class Place { here, any };

std::unique_ptr<SqlStore> open_place(const StateLocation& location, Store::Mode mode,
                                     const std::string& project, const KeySource& key, Form form,
                                     Place place);

} // namespace hadeploy::state
