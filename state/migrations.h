#pragma once

#include "state/sqlite.h"

#include <span>
#include <string_view>

namespace hadeploy::state {

/// What marks an SQLite file as ours: "hadp".
inline constexpr std::int64_t kApplicationId = 0x68616470;

/// The SQL that leads from each schema version to the next; step 0 makes the first schema. A step
/// that was released is never changed.
std::span<const std::string_view> migrations();

/// The file's schema version; 0 of a new one.
/// @throws Error(state) when it is no state of hadeploy's, or made by a newer one
std::int64_t schema_version(sqlite::Database& database, std::span<const std::string_view> steps);

/// A trigger would change what is recorded, and a view show something else in its place.
/// @throws Error(state) when something is in the file that no schema of hadeploy's has
void check_objects(sqlite::Database& database);

/// Brings the schema up to date, each step in a transaction of its own: what is interrupted goes on
/// with the next call.
/// @throws Error(state)
void migrate(sqlite::Database& database, std::span<const std::string_view> steps);

} // namespace hadeploy::state
