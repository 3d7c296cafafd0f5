#include "core/secrecy.h"
#include "embedded/scripts.h"
#include "providers/ssh/host.h"
#include "providers/ssh/mysql_server.h"

#include <algorithm>
#include <fmt/format.h>

namespace hadeploy::ssh {

namespace {
using namespace mysql;

class MysqlDatabase final : public SshType {
  public:
    MysqlDatabase() {
        name = "mysql.database";
        summary = "A database of a MariaDB server.";
        doc = "hadeploy uses the client `mariadb` on the host. The server can run on the host or "
              "elsewhere, for example in RDS. Servers of MySQL are refused. Character set and "
              "collation are the defaults for new "
              "tables. A change of these defaults by hand is detected and reverted. Existing "
              "tables are not converted.\n\n"
              "An existing database is adopted. Destroy drops the database with all its tables if "
              "hadeploy created it. With `keep`, the database stays.";
        example =
            "app_db:\n"
            "  type: mysql.database\n"
            "  host: ${node[\"node1\"].connection}\n"
            "  server: {address: db.example.org, user: admin, password: \"${var.db_password}\"}\n"
            "  name: app\n";
        schema = {host_attribute(),
                  server_attribute(),
                  {.name = "name",
                   .type = TypeKind::line,
                   .doc = "Name of the database: letters, digits, '_', '$' and '-'.",
                   .required = true,
                   .replaces = true},
                  {.name = "charset",
                   .type = TypeKind::line,
                   .doc = "The default character set.",
                   .default_value = Value("utf8mb4")},
                  {.name = "collation",
                   .type = TypeKind::line,
                   .doc = "The default collation. If not set, the server's default for `charset`.",
                   .filled = true},
                  {.name = "keep",
                   .type = TypeKind::boolean,
                   .doc = "Destroy leaves the database on the server.",
                   .operational = true,
                   .default_value = Value(false)}};
        adopts = true;
        remove_may_leave = true;
        verified = {"charset", "collation"};
    }

    void check(const Value& config, Diagnostics& diagnostics) const override {
        check_server(config, diagnostics);
        constexpr std::string_view word =
            "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_";
        const Value& database = config["name"];
        if (database.is_string() &&
            (database.as_string().empty() || database.as_string().size() > 64 ||
             database.as_string().find_first_not_of(std::string(word) + "$-") != std::string::npos))
            diagnostics
                .add(fmt::format("{} is not a name of a database", quoted(database)),
                     database.loc())
                .with_hint("at most 64 letters, digits, '_', '$' and '-'");
        for (const char* system : {"mysql", "sys", "information_schema", "performance_schema"})
            if (database.is_string() && database.as_string() == system)
                diagnostics.add(fmt::format("{} is a database of the server itself", system),
                                database.loc());
        for (const char* attribute : {"charset", "collation"})
            if (const Value& given = config[attribute];
                given.is_string() &&
                (given.as_string().empty() ||
                 given.as_string().find_first_not_of(word) != std::string::npos))
                diagnostics.add(fmt::format("{} is not a {}", quoted(given),
                                            attribute[1] == 'h' ? "character set" : "collation"),
                                given.loc());
    }

    std::vector<std::string> claims(const Value& config) const override {
        return claim_on_server(config, "database " + config.text("name"), {"name"});
    }
    bool is_left(const Value& config) const override { return config.flag("keep"); }
    std::optional<DataLoss> held_data(const Value& database) const override {
        if (database.flag("keep")) return {};
        return DataLoss{fmt::format("the database {} and all its tables", named(database, "name"))};
    }

    std::string probe(const ReadRequest& request) const override {
        return query(request.config,
                     fmt::format("SELECT CONCAT('database ', DEFAULT_CHARACTER_SET_NAME, ' ', "
                                 "DEFAULT_COLLATION_NAME) FROM information_schema.SCHEMATA WHERE "
                                 "SCHEMA_NAME = {};\n",
                                 sql_text(request.config.text("name"))));
    }

    Observation parse(const ReadRequest& request, const ProbeResult& result) const override {
        const std::string what = "the database " + named(request.config, "name");
        if (auto none = no_answer(request.config, what, result)) return *none;
        if (result.status != 0) return cannot_look(what, result);
        const std::vector<std::string> seen = words(Answer(result.out).first("database"));
        if (seen.size() != 2) return Observation::absent();
        return Observation::present(Value::map(
            {{"name", request.config["name"]}, {"charset", seen[0]}, {"collation", seen[1]}}));
    }

    std::vector<Command> commands(const Change& change) const override {
        const bool remove = change.kind == Change::Kind::remove;
        const Value& config = remove ? change.before : change.after;
        const std::string database = sql_name(config.text("name"));
        const std::string begin = open_memory(change.identity) + client(config);
        if (remove && config.flag("keep")) return {{.script = forget_memory(change.identity)}};
        if (remove)
            return {{.script =
                         begin +
                         fmt::format("sql={}\n", shell_quote(fmt::format(
                                                     "DROP DATABASE IF EXISTS {};\n", database))) +
                         std::string(scripts::mysql_remove) + forget_memory(change.identity),
                     .step = "dropping the database " + named(config, "name")}};
        std::string defaults = "CHARACTER SET " + config.text("charset");
        // a collation that the server chose belongs to the previous character set
        const auto changes = [&](const char* attribute) {
            return std::find(change.changed.begin(), change.changed.end(), attribute) !=
                   change.changed.end();
        };
        if (config["collation"].is_string() && (changes("collation") || !changes("charset")))
            defaults += " COLLATE " + config.text("collation");
        return {{.script = begin +
                           fmt::format(
                               "there={}\nsql={}\n",
                               shell_quote(fmt::format("SELECT 1 FROM information_schema.SCHEMATA "
                                                       "WHERE SCHEMA_NAME = {};\n",
                                                       sql_text(config.text("name")))),
                               shell_quote(fmt::format("CREATE DATABASE IF NOT EXISTS {0} {1};\n"
                                                       "ALTER DATABASE {0} {1};\n",
                                                       database, defaults))) +
                           std::string(scripts::mysql_object),
                 .step = "creating the database " + named(config, "name")}};
    }
};
} // namespace

std::unique_ptr<ResourceType> make_mysql_database() {
    return std::make_unique<MysqlDatabase>();
}

} // namespace hadeploy::ssh
