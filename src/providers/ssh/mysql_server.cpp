#include "providers/ssh/mysql_server.h"

#include "core/secrecy.h"
#include "embedded/scripts.h"
#include "providers/ssh/explain.h"
#include "providers/ssh/host.h"

#include <fmt/format.h>

namespace hadeploy::ssh::mysql {

Attribute server_attribute() {
    return {.name = "server",
            .type = object_of({
                {.name = "address",
                 .type = TypeKind::address,
                 .doc = "Address of the server, as seen from the host. Default: the server on the "
                        "host itself, through its socket."},
                {.name = "port",
                 .type = TypeKind::port,
                 .doc = "Port of the server.",
                 .default_value = Value(3306)},
                {.name = "socket",
                 .type = TypeKind::path,
                 .doc = "The socket of the server on the host. Default: the socket in the client's "
                        "configuration."},
                {.name = "user",
                 .type = TypeKind::line,
                 .doc = "The user for the login.",
                 .default_value = Value("root")},
                {.name = "password",
                 .type = TypeKind::string,
                 .doc = "Password of the user. Not needed over the socket if the server "
                        "authenticates root by the user ID (unix_socket), as on Debian.",
                 .secret = true,
                 .operational = true},
                {.name = "tls",
                 .type = TypeKind::string,
                 .doc = "Whether the connection to `address` is encrypted. `verify`: always, and "
                        "the certificate of the server must be valid for `address`. `prefer`: if "
                        "the server offers TLS, whatever its certificate is. `off`: never. "
                        "Default: that of the client; before MariaDB 11.4 `prefer`, since then "
                        "TLS with a verified certificate.",
                 .operational = true,
                 .one_of = {"verify", "prefer", "off"}},
                {.name = "ca",
                 .type = TypeKind::path,
                 .doc = "With `tls: verify`: a file on the host with the certificates (PEM) of the "
                        "authorities that may have signed the server's. For RDS this is the bundle "
                        "that AWS publishes. Default: the authorities that the system trusts.",
                 .operational = true},
            }),
            .doc = "The MariaDB server and the login: {address, port, user, password, tls, ca}, or "
                   "{socket, user, password}. Default: root over the socket of the server on the "
                   "host.",
            .default_value = Value::map({})};
}

void check_server(const Value& config, Diagnostics& diagnostics) {
    const Value& server = config["server"];
    if (!server.is_map()) return;
    if (!server["address"].is_null() && !server["socket"].is_null())
        diagnostics.add("give `address` or `socket`, not both", server["socket"].loc());
    if (!server["tls"].is_null() && server["address"].is_null())
        diagnostics.add("`tls` needs an `address`: a socket is on the host", server["tls"].loc());
    const Value& tls = server["tls"];
    if (!server["ca"].is_null() && !tls.is_unknown() && server.text("tls") != "verify")
        diagnostics.add("`ca` is only used with `tls: verify`", server["ca"].loc())
            .with_hint("no other mode compares the server's certificate with it");
    const Value& user = server["user"];
    if (user.is_string() && (user.as_string().empty() || user.as_string().front() == '-'))
        diagnostics.add(fmt::format("{} is not a user of the database server", quoted(user)),
                        user.loc());
}

namespace {
/// "10.0.0.20:3306", "the socket /run/x.sock", "the host itself".
std::string server_name(const Value& config) {
    const Value& server = config["server"];
    if (server.is_map() && server["address"].is_string())
        return fmt::format("{}:{}", named(server, "address"), server.integer("port", 3306));
    if (server.is_map() && server["socket"].is_string())
        return "the socket " + named(server, "socket");
    return "the host itself";
}

/// The client's options for `tls` and `ca`. Its `--ssl` alone does not require TLS.
std::string tls_options(const Value& server) {
    const std::string tls = server.text("tls");
    if (tls == "off") return " --skip-ssl";
    if (tls == "prefer") return " --ssl --disable-ssl-verify-server-cert";
    if (tls != "verify") return "";
    const std::string ca = server.text("ca");
    return " --ssl --ssl-verify-server-cert" + (ca.empty() ? "" : " --ssl-ca=" + shell_quote(ca));
}
} // namespace

std::vector<std::string> claim_on_server(const Value& config, std::string_view what,
                                         std::initializer_list<std::string_view> attributes) {
    if (config["server"].contains_unknown()) return {};
    return claim(config, fmt::format("{} of the MariaDB server on {}", what, server_name(config)),
                 attributes);
}

std::string client(const Value& config) {
    const Value& server = config["server"];
    std::string login = fmt::format("--user={}", shell_quote(server.text("user", "root")));
    if (server.is_map() && server["address"].is_string())
        login += fmt::format(" --protocol=tcp --host={} --port={}",
                             shell_quote(server.text("address")), server.integer("port", 3306)) +
                 tls_options(server);
    else if (server.is_map() && server["socket"].is_string())
        login += fmt::format(" --protocol=socket --socket={}", shell_quote(server.text("socket")));
    return fmt::format("login={} password={}\n{}", shell_quote(login),
                       shell_quote(server.text("password")), scripts::mysql_client);
}

std::string query(const Value& config, std::string_view sql) {
    return client(config) +
           fmt::format("printf %s {} | ask\n",
                       shell_quote(fmt::format("SELECT CONCAT('version ', VERSION());\n{}", sql)));
}

namespace {
/// The error of the client for a missing `ca`.
constexpr std::string_view kNoAuthorities = "TLS/SSL error: No such file or directory";
} // namespace

std::optional<Observation> no_answer(const Value& config, std::string_view what,
                                     const ProbeResult& result) {
    const auto has = [&](std::string_view sign) {
        return result.err.find(sign) != std::string::npos;
    };
    if (result.status == 127 || has("ERROR 2002 ") || has("ERROR 2003 "))
        return Observation::blocked(
            Error(ErrorKind::failed,
                  fmt::format("{} cannot be read: {}", what,
                              result.status == 127
                                  ? "the program mariadb is not installed on the host"
                                  : fmt::format("the MariaDB server on {} does not answer: {}",
                                                server_name(config), cause_in(result.err))))
                .with_hint("install and start it with a host.package (mariadb-server, or "
                           "mariadb-client for a server elsewhere) that this resource depends on"));
    if (has(kNoAuthorities))
        return Observation::blocked(
            Error(ErrorKind::failed, fmt::format("{} cannot be read: {} does not exist on the host",
                                                 what, named(config["server"], "ca")))
                .with_hint("write it with a host.file that this resource depends on"));
    if (has("ERROR 2026 "))
        return Observation::failed(
            Error(
                ErrorKind::failed,
                fmt::format("{} cannot be read: no TLS connection to the MariaDB server on {}: {}",
                            what, server_name(config), cause_in(result.err)))
                .with_hint("check `tls`, `ca` and `address` of `server`: the server must have a "
                           "certificate for that address, signed by one of the authorities"));
    if (has("ERROR 1045 ") || has("ERROR 1698 "))
        return Observation::failed(Error(ErrorKind::failed, fmt::format("{} cannot be read: {}",
                                                                        what, cause_in(result.err)))
                                       .with_hint("check `user` and `password` of `server`"));
    const std::string version = Answer(result.out).first("version");
    if (version.empty()) return cannot_look(what, {1, "", result.err});
    if (version.find("MariaDB") == std::string::npos)
        return Observation::failed(
            Error(ErrorKind::failed,
                  fmt::format("{} cannot be managed: the server is not MariaDB, but version {}",
                              what, version))
                .with_hint("the mysql.* types support MariaDB 10.4 and later; in RDS that is "
                           "`engine: mariadb`"));
    return std::nullopt;
}

std::string sql_text(std::string_view text) {
    return fmt::format("'{}'", text);
}

std::string sql_name(std::string_view name) {
    return fmt::format("`{}`", name);
}

} // namespace hadeploy::ssh::mysql
