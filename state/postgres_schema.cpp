#include "state/postgres_schema.h"
#include "state/postgres_errors.h"

#include "core/text.h"
#include "embedded/state_postgres_schema.h"

#include <array>
#include <fmt/format.h>

namespace hadeploy::postgres {

std::span<const std::string_view> migrations() {
    static const std::array<std::string_view, 3> steps{
        embedded::state_postgres_schema,
        // digests of the sets of records and intents (see digest.h)
        "ALTER TABLE project ADD COLUMN digest TEXT NOT NULL DEFAULT ''",
        // the mark of a move to another location (see relocation.h)
        "ALTER TABLE project ADD COLUMN relocation TEXT NOT NULL DEFAULT ''"};
    return steps;
}

namespace {
constexpr std::string_view kTablesQuery =
    "SELECT has_schema_privilege(n.oid, 'USAGE')::int, count(c.oid), count(*) FILTER (WHERE "
    "c.relname = 'hadeploy') FROM pg_namespace n LEFT JOIN pg_class c ON c.relnamespace = n.oid "
    "AND c.relkind IN ('r', 'v', 'm', 'f', 'p') WHERE n.nspname = ? GROUP BY n.oid";
constexpr std::string_view kVersionQuery = "SELECT version FROM hadeploy";
constexpr std::string_view kForeignQuery =
    "WITH tables AS (SELECT c.oid, c.relname, c.relrowsecurity FROM pg_class c JOIN pg_namespace n "
    "ON n.oid = c.relnamespace WHERE n.nspname = ?) "
    "SELECT 'trigger', tgname, relname FROM pg_trigger JOIN tables ON tables.oid = tgrelid "
    "WHERE NOT tgisinternal UNION ALL "
    "SELECT 'rule', rulename, relname FROM pg_rewrite JOIN tables ON tables.oid = ev_class "
    "UNION ALL SELECT 'row security', 'of', relname FROM tables WHERE relrowsecurity LIMIT 1";

/// The contents of a schema.
struct Found {
    bool exists = false;
    std::int64_t tables = 0; ///< tables and views
    std::int64_t ours = 0;   ///< tables and views named "hadeploy"
};

/// Looks into the schema. @throws Error(state) when the user lacks the privilege to use the schema,
/// because its tables would appear to be missing
Found look_into(Database& database) {
    const std::string& schema = database.location().schema;
    sql::Statement query(database, kTablesQuery);
    if (!query.bind(schema).step()) return {};
    if (query.integer(0) == 0)
        throw explain("42501", fmt::format("no privilege USAGE on schema {}", schema),
                      database.location());
    return {true, query.integer(1), query.integer(2)};
}

/// The version of a schema with these contents: see schema_version().
std::int64_t version_of(Database& database, const Found& found,
                        std::span<const std::string_view> steps) {
    if (found.tables == 0) return 0;
    std::int64_t version = 0;
    if (found.ours == 1) {
        sql::Statement query(database, kVersionQuery);
        if (query.step()) version = query.integer(0);
    }
    if (version < 1)
        throw Error(
            ErrorKind::state,
            fmt::format("the schema {} of the state {} contains tables that are not hadeploy's",
                        in_quotes(database.location().schema), database.name()))
            .with_hint("it was not changed; choose a different schema: ?schema=NAME in the URL");
    const auto known = static_cast<std::int64_t>(steps.size());
    if (version > known)
        throw Error(ErrorKind::state,
                    fmt::format("the state {} was written by a newer hadeploy (schema {}; this one "
                                "knows {})",
                                database.name(), version, known))
            .with_hint("it was not changed; use the newer hadeploy");
    return version;
}
} // namespace

void read_ahead(Database& database, const std::vector<std::string_view>& more) {
    std::vector<std::string_view> queries{kTablesQuery, kVersionQuery, kForeignQuery};
    queries.insert(queries.end(), more.begin(), more.end());
    database.read_ahead(queries, database.location().schema);
}

std::int64_t schema_version(Database& database, std::span<const std::string_view> steps) {
    return version_of(database, look_into(database), steps);
}

void check_objects(Database& database) {
    sql::Statement foreign(database, kForeignQuery);
    if (!foreign.bind(database.location().schema).step()) return;
    throw Error(ErrorKind::state,
                fmt::format("the state {} has the {} {} on {}, which hadeploy did not create",
                            database.name(), foreign.text(0), in_quotes(foreign.text(1)),
                            in_quotes(foreign.text(2))))
        .with_hint("nothing was changed; inspect the schema and remove it, or restore a backup");
}

void migrate(Database& database, std::span<const std::string_view> steps,
             const std::function<void()>& create) {
    const std::string& schema = database.location().schema;
    sql::Transaction transaction(database);
    sql::Statement lock(database, "SELECT pg_advisory_xact_lock(hashtextextended(?, 0))");
    lock.bind("hadeploy " + schema).run();
    const Found found = look_into(database);
    const std::int64_t version = version_of(database, found, steps);
    // CREATE SCHEMA IF NOT EXISTS would need the privilege to create one even if it exists
    if (!found.exists) sql::Statement(database, fmt::format("CREATE SCHEMA \"{}\"", schema)).run();
    for (auto v = static_cast<std::size_t>(version); v < steps.size(); ++v)
        database.run_script(steps[v]);
    sql::Statement(database, "UPDATE hadeploy SET version = ?")
        .bind(static_cast<std::int64_t>(steps.size()))
        .run();
    if (version == 0) create();
    transaction.commit();
}

} // namespace hadeploy::postgres
