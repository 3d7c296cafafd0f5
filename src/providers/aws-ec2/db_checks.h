#pragma once

#include "core/error.h"
#include "provider_api/schema.h"

#include <cstdint>

namespace hadeploy::aws {

inline constexpr std::int64_t kDay = 86'400'000; ///< milliseconds

/// The attributes of an aws.db_instance, without the attributes that all types have.
Schema database_schema();
/// Checks a config of an aws.db_instance, except its name, against the rules that RDS documents.
void check_database(const Value& config, Diagnostics& problems);

} // namespace hadeploy::aws
