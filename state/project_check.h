#pragma once

#include "state/sql.h"

#include <string>
#include <string_view>

namespace hadeploy::state {

inline constexpr std::string_view kNameQuery = "SELECT name, serial FROM project";
/// Checks the name of the project and its serial.
/// @param project  expected name; "" accepts any
/// @param other  the hint if the name differs
/// @throws Error(state)
void check_project(sql::Database& database, const std::string& project, const char* other);

} // namespace hadeploy::state
