#pragma once

#include "core/value.h"
#include "provider_api/provider.h"
#include "providers/ssh/ssh_type.h"

#include <optional>
#include <string>
#include <string_view>

/// Shared by the mysql.* types, which manage a MariaDB server with its client on a host.
namespace hadeploy::ssh::mysql {

/// The attribute `server`.
Attribute server_attribute();
/// Reports problems of `server`.
void check_server(const Value& config, Diagnostics& diagnostics);
/// The object with its server, for ResourceType::claims: "10.0.0.5:22 mysql database app on local".
/// Empty while the host, the server or one of the attributes is not known.
std::vector<std::string> claim_on_server(const Value& config, std::string_view what,
                                         std::initializer_list<std::string_view> attributes);

/// The shell function `ask`, which runs the SQL on its standard input. The password is in its
/// environment, which only root can read, and never on a command line.
std::string client(const Value& config);
/// The same, and a query that prints "version ..." and the results of `sql`.
std::string query(const Value& config, std::string_view sql);
/// The failure of a query(): the server does not run yet (blocked), refuses the login, or is not
/// MariaDB. nullopt if the query has results.
/// @param what  "the database app"
std::optional<Observation> no_answer(const Value& config, std::string_view what,
                                     const ProbeResult& result);

/// A text as an SQL string. The caller has checked that it has no quotes and backslashes.
std::string sql_text(std::string_view text);
/// The name of an object in backticks.
std::string sql_name(std::string_view name);

} // namespace hadeploy::ssh::mysql
