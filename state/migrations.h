#pragma once

#include "state/sqlite.h"

#include <span>
#include <string_view>

namespace hadeploy::state {

/// The application id of a state (PRAGMA application_id): "hadp" in ASCII.
inline constexpr std::int64_t kApplicationId = 0x68616470;

/// The SQL that migrates each schema version to the next; step 0 creates the first schema. Released
/// steps must not be changed.
std::span<const std::string_view> migrations();

/// The file's schema version; 0 for a new file.
/// @throws Error(state) when it is not a state, or was written by a newer hadeploy
std::int64_t schema_version(sqlite::Database& database, std::span<const std::string_view> steps);

/// Rejects objects such as triggers and views, because they could change or replace records.
/// @throws Error(state) when the file contains an object that is in no schema of hadeploy
void check_objects(sqlite::Database& database);

/// Migrates to the current schema, each step in its own transaction, so that the next call
/// continues an interrupted migration.
/// @throws Error(state)
void migrate(sqlite::Database& database, std::span<const std::string_view> steps);

} // namespace hadeploy::state
