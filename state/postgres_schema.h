#pragma once

#include "state/postgres.h"

#include <cstdint>
#include <functional>
#include <span>
#include <string_view>
#include <vector>

namespace hadeploy::postgres {

/// The SQL that migrates each version of the schema to the next; step 0 creates the first version.
/// Released steps must not be changed.
std::span<const std::string_view> migrations();

/// Reads what the following functions need, and the queries `more`, in one round trip: see
/// Database::read_ahead().
void read_ahead(Database& database, const std::vector<std::string_view>& more);

/// The version of the schema at the location; 0 if the schema is missing or empty.
/// @throws Error(state) when it is not a state, or was written by a newer hadeploy
std::int64_t schema_version(Database& database, std::span<const std::string_view> steps);

/// Rejects triggers, rules (of views, for example) and policies, which could change or replace
/// records.
/// @throws Error(state) when a table has one
void check_objects(Database& database);

/// Migrates to the current version, in one transaction and under a lock of its own: if several
/// processes migrate at the same time, one does it and the others wait.
/// @param create  called in the transaction after the first version was created
/// @throws Error(state)
void migrate(Database& database, std::span<const std::string_view> steps,
             const std::function<void()>& create);

} // namespace hadeploy::postgres
