#pragma once

#include "core/value.h"
#include "providers/aws-ec2/aws_type.h"

#include <string>
#include <string_view>
#include <vector>

/// The state of a database in RDS.
namespace hadeploy::aws {

/// Whether a database in this state accepts connections and changes.
bool is_settled(std::string_view state);
/// @throws Error(failed) for a state that needs manual help; the hint says what to do
void require_healthy(const Item& item);

/// A setting. A change that AWS has accepted but not applied yet takes precedence over the present
/// value.
/// @param element  "DBInstanceClass"
std::string with_pending(const Item& item, const char* element);
/// The attributes with a change that AWS has accepted but not applied yet; `parameter_group` if it
/// waits for a restart.
std::vector<std::string> pending_of(const Item& item);

/// Whether a version is the wanted version, or begins with it: 16.3 for "16".
bool is_version(std::string_view wanted, std::string_view actual);
/// The major part of a version, which AWS does not upgrade automatically: "16" of
/// PostgreSQL, "8.4" of MySQL, "11.4" of MariaDB.
std::string major_of(std::string_view engine, std::string_view version);
/// Whether a version is later than a second version. Compares their numbers.
bool is_later(std::string_view version, std::string_view than);

/// Checks that RDS offers the engine, version and class of a config in the region, as far as they
/// are known and the credentials may ask for it.
/// @throws Error(failed) that lists the versions or classes that RDS offers
void require_offered(Region& region, const Value& config);

} // namespace hadeploy::aws
