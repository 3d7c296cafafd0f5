#include "state/postgres_errors.h"

#include "core/text.h"
#include "state/libpq.h"

#include <algorithm>
#include <array>
#include <fmt/format.h>

namespace hadeploy::postgres {

namespace {
struct Remedy {
    std::string_view sign; ///< a part of the message, or a SQLSTATE
    std::string_view hint;
};

/// Messages of libpq and of the server's login, which have no code.
constexpr std::array kLogin{
    Remedy{"invalid integer value", "correct the number in the URL"},
    Remedy{
        "password authentication failed",
        "check the user in the URL, and the password: HADEPLOY_STATE_PASSWORD, `password` in the "
        "spec, PGPASSWORD or ~/.pgpass; the first of these is used"},
    Remedy{"no password supplied",
           "set HADEPLOY_STATE_PASSWORD, or use `password` in the spec, PGPASSWORD or ~/.pgpass"},
    Remedy{"server does not support SSL", "enable TLS on the server; or, if the network between is "
                                          "trusted, add sslmode=disable to the URL"},
    Remedy{"root certificate file",
           "the server's certificate is verified: add sslrootcert=FILE to the URL, a file with the "
           "certificate of the authority that signed it"},
    Remedy{"certificate verify failed",
           "the server's certificate was signed by a different authority: check sslrootcert in the "
           "URL, and that this is the right server"},
    Remedy{"does not match host name", "use the host name in the server's certificate; "
                                       "hostaddr=ADDRESS in the URL gives its address"},
    Remedy{"no pg_hba.conf entry", "the server does not let this user log in from this machine: "
                                   "add a line to its pg_hba.conf"},
    Remedy{"role \"",
           "check the user in the URL; an administrator creates it: CREATE ROLE ... LOGIN"},
    Remedy{"database \"",
           "check the database in the URL; an administrator creates it: CREATE DATABASE"},
    Remedy{"no such database", "check the database in the URL, and the list in pgbouncer.ini"},
    Remedy{"could not translate host name", "check the host in the URL"},
};

constexpr std::array kCodes{
    Remedy{"25006", "the server is a standby or read-only: use the URL of the primary; "
                    "target_session_attrs=read-write in the URL finds it among several hosts"},
    Remedy{"42501", "an administrator has to grant the privilege, for example: CREATE SCHEMA ... "
                    "AUTHORIZATION the user; docs/shared-state.md lists the privileges"},
    Remedy{"55P03", "another transaction has locked the state for too long: SELECT pid, query FROM "
                    "pg_stat_activity WHERE wait_event_type IS NOT NULL"},
    Remedy{"42P01", "a table was removed outside hadeploy: restore a backup of the schema"},
    Remedy{"42703", "a table was altered outside hadeploy: restore a backup of the schema"},
    Remedy{"53100", "free space on the server's disk and run the command again, which continues "
                    "the recorded changes"},
    Remedy{"53300", "the server has no free connection: raise max_connections, or use PgBouncer"},
};
} // namespace

Error explain(std::string_view code, std::string cause, const StateLocation& location) {
    const std::string name = in_quotes(location.text(), 4096);
    if (code.empty()) {
        const auto* known = std::find_if(kLogin.begin(), kLogin.end(), [&](const Remedy& r) {
            return cause.find(r.sign) != cause.npos;
        });
        if (known != kLogin.end())
            return Error(ErrorKind::state,
                         fmt::format("the state {} cannot be opened: {}", name, cause))
                .with_hint(std::string(known->hint));
        return Error(ErrorKind::unreachable,
                     fmt::format("the server of the state {} does not answer: {}", name, cause))
            .with_hint(
                "check that the server runs, and that the host and port in the URL are right");
    }
    const auto* known =
        std::find_if(kCodes.begin(), kCodes.end(), [&](const Remedy& r) { return r.sign == code; });
    return Error(ErrorKind::state,
                 fmt::format("the state {} cannot be used: {} (SQLSTATE {})", name, cause, code))
        .with_hint(known == kCodes.end() ? "the log of the server says more"
                                         : std::string(known->hint));
}

} // namespace hadeploy::postgres
