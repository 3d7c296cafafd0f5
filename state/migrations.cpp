#include "state/migrations.h"

#include "core/text.h"
#include "embedded/state_schema.h"

#include <array>
#include <fmt/format.h>

namespace hadeploy::state {

std::span<const std::string_view> migrations() {
    static const std::array<std::string_view, 7> steps{
        embedded::state_schema,
        // the encrypted data key; "" until the state's contents are sealed (see sealing.h)
        "ALTER TABLE project ADD COLUMN key_lock TEXT NOT NULL DEFAULT ''",
        // MACs of whole records, with a key derived from the data key (see authentic.h)
        "ALTER TABLE resources ADD COLUMN mac TEXT NOT NULL DEFAULT '';"
        "ALTER TABLE intents ADD COLUMN mac TEXT NOT NULL DEFAULT ''",
        // no change of tables: paths are now relative to the project, which an older hadeploy would
        // misread as relative to its working directory
        "SELECT 1",
        // MAC of the project, including the outputs
        "ALTER TABLE project ADD COLUMN mac TEXT NOT NULL DEFAULT ''",
        // digests of the sets of records and intents (see digest.h)
        "ALTER TABLE project ADD COLUMN digest TEXT NOT NULL DEFAULT ''",
        // the mark of a move to another location (see relocation.h); intents without AUTOINCREMENT,
        // because the lock holder counts them, and it costs a page in each transaction
        "ALTER TABLE project ADD COLUMN relocation TEXT NOT NULL DEFAULT '';"
        "CREATE TABLE fresh (id INTEGER PRIMARY KEY, run INTEGER NOT NULL, address TEXT NOT NULL,"
        " type TEXT NOT NULL, generation INTEGER NOT NULL, action TEXT NOT NULL,"
        " identity TEXT NOT NULL, config TEXT NOT NULL, depends_on TEXT NOT NULL,"
        " input_hash TEXT NOT NULL, started_ms INTEGER NOT NULL, mac TEXT NOT NULL) STRICT;"
        "INSERT INTO fresh SELECT id, run, address, type, generation, action, identity, config,"
        " depends_on, input_hash, started_ms, mac FROM intents;"
        "DROP TABLE intents; ALTER TABLE fresh RENAME TO intents"};
    return steps;
}

std::int64_t schema_version(sqlite::Database& database, std::span<const std::string_view> steps) {
    const std::int64_t version = database.number("PRAGMA user_version");
    const std::int64_t application = database.number("PRAGMA application_id");
    const std::string file = in_quotes(database.path().string(), 4096);
    if (application != kApplicationId &&
        (version != 0 || application != 0 ||
         database.number("SELECT count(*) FROM sqlite_schema") != 0))
        throw Error(ErrorKind::state,
                    fmt::format("{} is a database, but not a state of hadeploy", file))
            .with_hint("it was not changed; choose a different file for the state");
    const auto known = static_cast<std::int64_t>(steps.size());
    if (version > known)
        throw Error(ErrorKind::state,
                    fmt::format("the state {} was written by a newer hadeploy (schema {}; this one "
                                "knows {})",
                                file, version, known))
            .with_hint(
                "it was not changed; use the newer hadeploy, or a backup from before the upgrade");
    return version;
}

void check_objects(sqlite::Database& database) {
    sqlite::Statement foreign(
        database, "SELECT type, name, tbl_name FROM sqlite_schema WHERE NOT (type IN ('table', "
                  "'index') AND (name LIKE 'sqlite\\_%' ESCAPE '\\' OR type = 'table' AND name IN "
                  "('project', 'resources', 'intents', 'runs', 'steps')))");
    if (!foreign.step()) return;
    const std::string type = foreign.text(0), name = in_quotes(foreign.text(1));
    throw Error(ErrorKind::state,
                fmt::format("the state {} contains the {} {}, which hadeploy did not create",
                            in_quotes(database.path().string(), 4096), type, name))
        .with_hint(fmt::format("nothing was changed; restore a backup, or inspect it (sqlite3 {} "
                               ".schema) and remove it: DROP {} {}",
                               database.path().string(), type, name));
}

void migrate(sqlite::Database& database, std::span<const std::string_view> steps) {
    for (;;) {
        sqlite::Transaction transaction(database);
        const std::int64_t version = schema_version(database, steps);
        if (version == static_cast<std::int64_t>(steps.size())) return;
        database.run(std::string(steps[static_cast<std::size_t>(version)]));
        database.run(fmt::format("PRAGMA application_id = {}; PRAGMA user_version = {}",
                                 kApplicationId, version + 1));
        transaction.commit();
    }
}

} // namespace hadeploy::state
