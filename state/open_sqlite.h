#pragma once

#include "state/sql_store.h"

/// Parts of Store::open() for states in files.
namespace hadeploy::state {

std::unique_ptr<SqlStore> open_sqlite(const std::filesystem::path& file, Store::Mode mode,
                                      const std::string& project, const KeySource& key, Form form);

/// An empty state in memory, for commands that read before the first apply.
/// @param name  name of the missing state, for messages
std::unique_ptr<SqlStore> empty_store(const std::filesystem::path& name, const std::string& project,
                                      Form form);

} // namespace hadeploy::state
