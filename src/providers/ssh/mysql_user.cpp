#include "core/did_you_mean.h"
#include "core/secrecy.h"
#include "embedded/scripts.h"
#include "providers/ssh/host.h"
#include "providers/ssh/mysql_grants.h"
#include "providers/ssh/mysql_server.h"

#include <algorithm>
#include <fmt/format.h>

namespace hadeploy::ssh {

namespace {
std::string account_of(const Value& config) {
    return fmt::format("{}@{}", mysql::sql_text(config.text("name")),
                       mysql::sql_text(config.text("from", "localhost")));
}

std::string query_of_user(const Value& config) {
    return fmt::format("SELECT 'user' FROM mysql.user WHERE User = {} AND Host = {};\n",
                       mysql::sql_text(config.text("name")),
                       mysql::sql_text(config.text("from", "localhost")));
}

class MysqlUser final : public SshType {
  public:
    MysqlUser();
    void check(const Value& config, Diagnostics& diagnostics) const override;
    std::vector<std::string> claims(const Value& config) const override {
        return mysql::claim_on_server(
            config, fmt::format("user {}@{}", config.text("name"), config.text("from")),
            {"name", "from"});
    }
    bool is_left(const Value& config) const override { return config.flag("keep"); }
    std::string probe(const ReadRequest& request) const override {
        return mysql::query(request.config,
                            query_of_user(request.config) +
                                fmt::format("SHOW GRANTS FOR {};\n", account_of(request.config)));
    }
    Observation parse(const ReadRequest& request, const ProbeResult& result) const override;
    std::vector<Command> commands(const Change& change) const override;
};

MysqlUser::MysqlUser() {
    name = "mysql.user";
    summary = "A user of a MariaDB server, with its password and its privileges.";
    doc =
        "The server gets only the hash of the password (mysql_native_password): the password "
        "itself is never on a command line, in a log or on the host. A new `password` takes "
        "effect immediately; open connections stay.\n\n"
        "Drift that is repaired: a password that was changed by hand, a missing privilege, and a "
        "privilege that was granted by hand. Privileges that stay are not revoked even for a "
        "moment. Roles are not managed. Database names in `privileges` are literal: `_` and `%` "
        "are not wildcards.\n\n"
        "Servers of MySQL are refused: their passwords (caching_sha2_password) and privileges "
        "differ from those of MariaDB.\n\n"
        "An existing user is adopted. Destroy drops the user if hadeploy created it. With `keep`, "
        "the user stays, with its password and privileges.";
    example = "app_user:\n"
              "  type: mysql.user\n"
              "  host: ${node[\"node1\"].connection}\n"
              "  name: app\n"
              "  from: \"10.77.0.%\"\n"
              "  password: ${var.app_password}\n"
              "  privileges: {\"app.*\": [ALL]}\n";
    schema = {host_attribute(),
              mysql::server_attribute(),
              {.name = "name",
               .type = TypeKind::line,
               .doc = "Name of the user.",
               .required = true,
               .replaces = true},
              {.name = "from",
               .type = TypeKind::line,
               .doc = "The hosts from which the user may connect: a name, an address, or a pattern "
                      "with `%`.",
               .replaces = true,
               .default_value = Value("localhost")},
              {.name = "password",
               .type = TypeKind::string,
               .doc = "The password.",
               .required = true,
               .secret = true},
              {.name = "privileges",
               .type = map_of(set_of(TypeKind::string)),
               .doc = "Privileges by object: `\"*.*\"`, `\"DATABASE.*\"` or `\"DATABASE.TABLE\"`. "
                      "Privileges are written in capital letters, as in SHOW GRANTS. ALL means all "
                      "privileges.",
               .default_value = Value::map({})},
              {.name = "keep",
               .type = TypeKind::boolean,
               .doc = "Destroy leaves the user on the server.",
               .operational = true,
               .default_value = Value(false)}};
    adopts = true;
    remove_may_leave = true;
    verified = {"password"};
}

void MysqlUser::check(const Value& config, Diagnostics& diagnostics) const {
    mysql::check_server(config, diagnostics);
    const auto has_only = [](const Value& text, std::string_view more) {
        return !text.as_string().empty() && text.as_string().size() <= 80 &&
               std::all_of(text.as_string().begin(), text.as_string().end(), [&](char c) {
                   return std::isalnum(static_cast<unsigned char>(c)) != 0 ||
                          more.find(c) != std::string_view::npos;
               });
    };
    const Value &user = config["name"], &from = config["from"], &password = config["password"];
    if (user.is_string() && !has_only(user, "_.-"))
        diagnostics.add(fmt::format("{} is not a name of a user", quoted(user)), user.loc())
            .with_hint("at most 80 letters, digits, '_', '.' and '-'");
    if (from.is_string() && !has_only(from, "_.-:%/"))
        diagnostics
            .add(fmt::format("{} is not a host from which a user connects", quoted(from)),
                 from.loc())
            .with_hint("a name, an address, an address with a netmask, or a pattern with %");
    if (password.is_string() && password.as_string().empty())
        diagnostics.add("the password is empty, so everybody could log in", password.loc());
    if (!config["privileges"].is_map()) return;
    const auto& known = mysql::all_privileges();
    for (const Entry& e : config["privileges"].as_map()) {
        if (!mysql::is_grant_object(e.key))
            diagnostics
                .add(fmt::format("{} has no privileges", quoted(config["privileges"], e.key)),
                     e.loc)
                .with_hint("write \"*.*\", \"DATABASE.*\" or \"DATABASE.TABLE\"");
        const std::vector<std::string> given = strings(e.value);
        if (e.value.is_list() && e.value.as_list().empty())
            diagnostics
                .add(fmt::format("{} has an empty list of privileges",
                                 quoted(config["privileges"], e.key)),
                     e.value.loc())
                .with_hint("leave out the entry");
        for (const std::string& one : given) {
            const auto add = [&](const std::string& problem) -> Error& {
                return diagnostics.add(
                    fmt::format("{} {}", quoted(config["privileges"], one), problem),
                    e.value.loc());
            };
            if (std::find(known.begin(), known.end(), one) == known.end()) {
                const std::optional<std::string> near = did_you_mean(one, known);
                add("is not a privilege")
                    .with_hint(
                        near ? fmt::format("did you mean {}?", *near)
                             : "privileges are written in capital letters, as in SHOW GRANTS");
            } else if (e.key != "*.*" && mysql::is_global_privilege(one)) {
                add("can only be granted on \"*.*\"");
            } else if (one == "ALL" &&
                       given.size() > 1 + static_cast<std::size_t>(std::count(
                                              given.begin(), given.end(), "GRANT OPTION"))) {
                add("includes the other privileges");
            }
        }
    }
}

Observation MysqlUser::parse(const ReadRequest& request, const ProbeResult& result) const {
    const Value& config = request.config;
    const std::string what = "the database user " + named(config, "name");
    if (auto none = mysql::no_answer(config, what, result)) return *none;
    const std::vector<std::string> all = lines(result.out);
    const bool there = std::find(all.begin(), all.end(), "user") != all.end();
    if (!there && result.err.find("ERROR 1141 ") != std::string::npos) return Observation::absent();
    if (result.status != 0 || !there) return cannot_look(what, result);
    const mysql::Grants grants = mysql::parse_grants(all);
    const Value& wanted = config["password"];
    const bool same =
        wanted.is_string() && mysql::password_hash(wanted.as_string()) == grants.password_hash;
    return Observation::present(
        Value::map({{"name", config["name"]},
                    {"from", config["from"]},
                    {"password", same ? wanted : Value("(a different password)").as_secret()},
                    {"privileges", grants.privileges}}));
}

std::vector<Command> MysqlUser::commands(const Change& change) const {
    const bool remove = change.kind == Change::Kind::remove;
    const Value& config = remove ? change.before : change.after;
    const std::string begin = open_memory(change.identity) + mysql::client(config);
    const std::string account = account_of(config);
    if (remove && config.flag("keep")) return {{.script = forget_memory(change.identity)}};
    if (remove)
        return {{.script = begin +
                           fmt::format("sql={}\n", shell_quote(fmt::format(
                                                       "DROP USER IF EXISTS {};\n", account))) +
                           std::string(scripts::mysql_remove) + forget_memory(change.identity),
                 .step = "dropping the database user " + named(config, "name")}};
    const bool create = change.kind == Change::Kind::create;
    const bool sets_password = create || std::find(change.changed.begin(), change.changed.end(),
                                                   "password") != change.changed.end();
    std::string sql;
    if (sets_password) {
        const std::string hash = mysql::password_hash(config.text("password"));
        if (create)
            sql = fmt::format("CREATE USER IF NOT EXISTS {} IDENTIFIED BY PASSWORD '{}';\n",
                              account, hash);
        sql += fmt::format("ALTER USER {} IDENTIFIED BY PASSWORD '{}';\n", account, hash);
    }
    sql += mysql::change_grants(account, create ? Value() : change.before["privileges"],
                                config["privileges"]);
    return {{.script = begin +
                       fmt::format("there={}\nsql={}\n", shell_quote(query_of_user(config)),
                                   shell_quote(sql)) +
                       std::string(scripts::mysql_object),
             .step = fmt::format("{} the database user {}", create ? "creating" : "changing",
                                 named(config, "name"))}};
}
} // namespace

std::unique_ptr<ResourceType> make_mysql_user() {
    return std::make_unique<MysqlUser>();
}

} // namespace hadeploy::ssh
