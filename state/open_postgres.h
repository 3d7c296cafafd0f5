#pragma once

#include "state/sql_store.h"

/// Parts of Store::open() for states in databases.
namespace hadeploy::state {

std::unique_ptr<SqlStore> open_postgres(const StateLocation& location, Store::Mode mode,
                                        const std::string& project, const KeySource& key,
                                        Form form);

} // namespace hadeploy::state
