#pragma once

#include "state/sql.h"
#include "state/store.h"

/// Parts of Store::open().
namespace hadeploy::state {

std::unique_ptr<Store> open_sqlite(const std::filesystem::path& file, Store::Mode mode,
                                   const std::string& project, const KeySource& key, Form form);
std::unique_ptr<Store> open_postgres(const StateLocation& location, Store::Mode mode,
                                     const std::string& project, const KeySource& key, Form form);

/// An empty state in memory, for readers before the first apply.
/// @param name  of the missing state, for messages
std::unique_ptr<Store> empty_store(const std::filesystem::path& name, const std::string& project,
                                   Form form);

/// Checks the name of the project and its serial.
/// @param project  expected; "" accepts any
/// @param other  the hint if it is another one
/// @throws Error(state)
void check_project(sql::Database& database, const std::string& project, const char* other);

} // namespace hadeploy::state
