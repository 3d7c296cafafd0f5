#pragma once

#include "state/sql_store.h"

/// Parts of Store::open().
namespace hadeploy::state {

/// Where a state may be: `here`, or also if it was moved from here or is not completely here: see
/// relocation.h.
enum class Place { here, any };

std::unique_ptr<SqlStore> open_place(const StateLocation& location, Store::Mode mode,
                                     const std::string& project, const KeySource& key, Form form,
                                     Place place);
std::unique_ptr<SqlStore> open_sqlite(const std::filesystem::path& file, Store::Mode mode,
                                      const std::string& project, const KeySource& key, Form form);
std::unique_ptr<SqlStore> open_postgres(const StateLocation& location, Store::Mode mode,
                                        const std::string& project, const KeySource& key,
                                        Form form);

/// An empty state in memory, for readers before the first apply.
/// @param name  of the missing state, for messages
std::unique_ptr<SqlStore> empty_store(const std::filesystem::path& name, const std::string& project,
                                      Form form);

/// Checks the name of the project and its serial.
/// @param project  expected; "" accepts any
/// @param other  the hint if it is another one
/// @throws Error(state)
void check_project(sql::Database& database, const std::string& project, const char* other);

} // namespace hadeploy::state
