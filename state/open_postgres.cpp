#include "state/open_postgres.h"

#include "core/uuid.h"
#include "state/authentic.h"
#include "state/open_sqlite.h"
#include "state/postgres_schema.h"
#include "state/postgres_store.h"
#include "state/project_check.h"
#include "state/relocation.h"
#include "state/sealing.h"

#include <fmt/format.h>

namespace hadeploy::state {

namespace {
constexpr const char* kOtherSchema =
    "give each project and environment a schema of its own: ?schema=NAME in the URL; if the "
    "project was renamed, restore its old name, with which its objects are marked";

/// A key file beside the state, as for a state file, would be a different file on each machine.
void check_key(const KeySource& key, const std::string& name) {
    if (!key.passphrase.empty() || !key.key.empty() || !key.file.empty()) return;
    throw Error(ErrorKind::state,
                fmt::format("the state {} needs a key that all of its users have", name))
        .with_hint("set HADEPLOY_STATE_PASSPHRASE, HADEPLOY_STATE_KEY or HADEPLOY_STATE_KEY_FILE; "
                   "to create a key: openssl rand -base64 32");
}

void create_project(postgres::Database& database, const std::string& project,
                    const KeySource& key) {
    const Cipher cipher = Cipher::make(key);
    const Project made{.name = project,
                       .lineage = uuid_v4(),
                       .outputs = "null",
                       .digest = digests_text(cipher, {})};
    sql::Statement(database,
                   "INSERT INTO project (id, name, lineage, key_lock) VALUES (1, ?, ?, ?)")
        .bind(made.name, made.lineage, cipher.encrypted_key())
        .run();
    write_project(database, cipher, made);
}
} // namespace

std::unique_ptr<SqlStore> open_postgres(const StateLocation& location, Store::Mode mode,
                                        const std::string& project, const KeySource& key,
                                        Form form) {
    auto database = std::make_unique<postgres::Database>(location);
    const auto steps = postgres::migrations();
    // of a state of the present schema, in one round trip
    const auto read_ahead = [&] {
        postgres::read_ahead(*database, {kNameQuery, kKeyQuery, kRelocationQuery, kProjectQuery});
    };
    read_ahead();
    const std::int64_t version = postgres::schema_version(*database, steps);
    if (version == 0 && mode == Store::Mode::read_only)
        return empty_store(location.text(), project, std::move(form));
    check_key(key, database->name());
    bool created = false;
    // a reader may lack the privileges to migrate, and can read an older state without a migration
    if (mode == Store::Mode::read_write && version < static_cast<std::int64_t>(steps.size())) {
        database->repeat_if_lost([&] {
            postgres::migrate(*database, steps, [&] {
                create_project(*database, project, key);
                created = true; // even if the answer to the commit was lost
            });
        });
        read_ahead();
    }
    postgres::check_objects(*database);
    check_project(*database, project, kOtherSchema);
    Cipher cipher =
        Cipher::load(stored_key(*database), key, fmt::format("the state {}", database->name()));
    auto store = std::make_unique<PostgresStore>(std::move(database), std::move(cipher), mode,
                                                 std::move(form));
    store->set_key(key);
    if (created) store->mark_new();
    if (mode == Store::Mode::read_only && version < static_cast<std::int64_t>(steps.size()))
        store->mark_older();
    return store;
}

} // namespace hadeploy::state
