#pragma once

#include "core/value.h"

#include <string>
#include <string_view>
#include <vector>

/// The privileges of a user of MariaDB: a map of objects ("*.*", "app.*", "app.users") to lists of
/// privileges in capital letters ("SELECT", "ALL", "GRANT OPTION"). An object that has no such
/// name, such as a procedure or a pattern of databases, is named by its SQL text.
namespace hadeploy::ssh::mysql {

/// Whether `object` is "*.*", "DATABASE.*" or "DATABASE.TABLE".
bool is_grant_object(std::string_view object);
/// All privileges that can be granted.
const std::vector<std::string>& all_privileges();
/// Whether the privilege can only be granted on "*.*".
bool is_global_privilege(std::string_view privilege);

struct Grants {
    Value privileges;               ///< as described above; lists are sorted
    std::string password_hash = {}; ///< "*" and 40 hex digits; "" if there is none
};
/// Parses the output of SHOW GRANTS. Roles and proxies are left out.
Grants parse_grants(const std::vector<std::string>& lines);

/// The statements that change the privileges of `account`, an SQL text, from `before` to `after`.
/// A privilege in `before` and `after` is never revoked, so the user has it at all times.
std::string change_grants(std::string_view account, const Value& before, const Value& after);

/// The hash that the server stores for a password (mysql_native_password): the password itself
/// never leaves this machine.
std::string password_hash(const std::string& password);

} // namespace hadeploy::ssh::mysql
