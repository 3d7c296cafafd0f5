#include "state/records.h"

#include "state/authentic.h"
#include "state/codec.h"

#include <fmt/format.h>
#include <vector>

namespace hadeploy::state {

using sql::Database;
using sql::Statement;

namespace {
Value changed(const Form::Change& change, const std::string& type, Value value) {
    return change ? change(type, value) : value;
}

constexpr std::string_view kIntentColumns =
    "id, run, address, type, generation, action, identity, config, depends_on, started_ms, mac";
/// The column of the query for records that tells whether a record is wanted. It is computed by the
/// query, because others may be able to write to the table.
constexpr int kIsWanted = 9;

/// The query for records. Its first row is the project's, because a writer could change the project
/// between two queries; the row has the fields of Project in the columns of a record. The rows of
/// unwanted records have only the columns that the digest needs.
std::string query_for_records(const Cipher& cipher, const Condition& wanted) {
    std::string out = fmt::format("SELECT {}, 1 FROM resources", kRowColumns);
    if (!wanted.sql.empty()) out += " WHERE " + wanted.sql;
    if (cipher.authenticates_set()) {
        out += " UNION ALL SELECT '', name, serial, lineage, outputs, digest, mac, 0, '', 0 "
               "FROM project";
        if (!wanted.sql.empty())
            out +=
                fmt::format(" UNION ALL SELECT address, '', generation, '', '', '', '', 0, mac, 0 "
                            "FROM resources WHERE NOT ({})",
                            wanted.sql);
    }
    return out + " ORDER BY address";
}

/// The query for intents, with the project's row first.
std::string query_for_intents(const Cipher& cipher) {
    std::string out = fmt::format("SELECT {} FROM intents", kIntentColumns);
    if (cipher.authenticates_set())
        out += " UNION ALL SELECT 0, serial, name, lineage, 0, outputs, digest, mac, '', 0, '' "
               "FROM project";
    return out + " ORDER BY id";
}

/// Checks the project in the first row of a query. @returns the text of its digests
std::string checked_digests(Database& database, const Cipher& cipher, const Project& project,
                            const std::string& mac) {
    check_project_mac(cipher, project, mac, database.name());
    return project.digest;
}
} // namespace

std::string place(std::string_view table, std::string_view key, std::string_view column) {
    return fmt::format("{}/{}/{}", table, key, column);
}

RecordedResource read_row(const Statement& s, const Cipher& cipher, const Form& form) {
    const std::string address = s.text(0), type = s.text(1), identity = s.text(3),
                      config = s.text(4), attributes = s.text(5), depends_on = s.text(6);
    check_mac(cipher,
              mac_of(cipher, RecordText{address, type, s.integer(2), identity, config, attributes,
                                        depends_on, s.integer(7)}),
              s.text(8), address);
    return {address,
            type,
            s.integer(2),
            identity,
            changed(form.used, type,
                    codec::decode(config, cipher, place("resources", address, "config"))),
            changed(form.used, type,
                    codec::decode(attributes, cipher, place("resources", address, "attributes"))),
            codec::decode_names(depends_on),
            s.integer(7) != 0};
}

void read_records(Database& database, const Cipher& cipher, const Form& form,
                  const Condition& wanted, const std::function<void(RecordedResource)>& use) {
    Statement query(database, query_for_records(cipher, wanted));
    query.bind_all(wanted.parameters);
    std::string expected;
    Digest found;
    if (cipher.authenticates_set() && query.step())
        expected = checked_digests(
            database, cipher,
            {query.text(1), query.text(3), query.integer(2), query.text(4), query.text(5)},
            query.text(6));
    while (query.step()) {
        found += digest_of(cipher, RecordKey{query.text(0), query.integer(2), query.text(8)});
        if (query.integer(kIsWanted) == 1) use(read_row(query, cipher, form));
    }
    if (cipher.authenticates_set() && !has_records(cipher, expected, found))
        throw incomplete(database.name());
}

namespace {
Intent read_intent(const Statement& s, const Cipher& cipher, const Form& form) {
    Intent intent;
    intent.id = s.integer(0);
    intent.run = s.integer(1);
    intent.address = s.text(2);
    intent.type = s.text(3);
    intent.generation = s.integer(4);
    intent.identity = s.text(6);
    const std::string action = s.text(5), config = s.text(7), depends_on = s.text(8);
    check_mac(cipher,
              mac_of(cipher, IntentText{intent.address, intent.type, intent.generation, action,
                                        intent.identity, config, depends_on}),
              s.text(10), intent.address);
    const std::optional<ChangeKind> known = change_named(action);
    if (!known) throw altered(intent.address);
    intent.action = *known;
    intent.config =
        changed(form.used, intent.type,
                codec::decode(config, cipher, place("intents", intent.address, "config")));
    intent.depends_on = codec::decode_names(depends_on);
    intent.started_ms = s.integer(9);
    return intent;
}
} // namespace

std::vector<Intent> read_intents(Database& database, const Cipher& cipher, const Form& form) {
    Statement query(database, query_for_intents(cipher));
    std::string expected;
    Digest found;
    if (cipher.authenticates_set() && query.step())
        expected = checked_digests(
            database, cipher,
            {query.text(2), query.text(3), query.integer(1), query.text(5), query.text(6)},
            query.text(7));
    std::vector<Intent> out;
    while (query.step()) {
        found += digest_of(cipher, IntentKey{query.integer(0), query.integer(1), query.text(2),
                                             query.integer(4), query.text(5), query.text(10)});
        out.push_back(read_intent(query, cipher, form));
    }
    if (cipher.authenticates_set() && !has_intents(cipher, expected, found))
        throw incomplete(database.name());
    return out;
}

RowWriter::RowWriter(Database& db, const Cipher& cipher, const Form& form)
    : cipher_(cipher), form_(form),
      insert_(db, fmt::format("INSERT INTO resources ({}) VALUES (?,?,?,?,?,?,?,?,?) ON CONFLICT "
                              "(address) DO UPDATE SET type = excluded.type, generation = "
                              "excluded.generation, identity = excluded.identity, config = "
                              "excluded.config, attributes = excluded.attributes, depends_on = "
                              "excluded.depends_on, tainted = excluded.tainted, mac = excluded.mac",
                              kRowColumns)) {}

RecordKey RowWriter::write(const RecordedResource& row) {
    const std::string config = codec::encode(changed(form_.kept, row.type, row.config), cipher_,
                                             place("resources", row.address, "config"));
    const std::string attributes =
        codec::encode(changed(form_.kept, row.type, row.attributes), cipher_,
                      place("resources", row.address, "attributes"));
    const std::string depends_on = codec::encode_names(row.depends_on);
    const std::int64_t tainted = row.tainted;
    std::string mac =
        mac_of(cipher_, RecordText{row.address, row.type, row.generation, row.identity, config,
                                   attributes, depends_on, tainted});
    insert_
        .bind(row.address, row.type, row.generation, row.identity, config, attributes, depends_on,
              tainted, mac)
        .run();
    return {row.address, row.generation, std::move(mac)};
}

IntentWriter::IntentWriter(Database& db, const Cipher& cipher, const Form& form)
    : cipher_(cipher), form_(form),
      insert_(db, fmt::format("INSERT INTO intents ({}, input_hash) VALUES "
                              "(?,?,?,?,?,?,?,?,?,?,?,'')",
                              kIntentColumns)) {
} // no hash, because it would reveal information about secrets

IntentKey IntentWriter::write(const Intent& intent) {
    const std::string config = codec::encode(changed(form_.kept, intent.type, intent.config),
                                             cipher_, place("intents", intent.address, "config"));
    const std::string depends_on = codec::encode_names(intent.depends_on);
    const std::string_view action = change_name(intent.action);
    std::string mac = mac_of(cipher_, IntentText{intent.address, intent.type, intent.generation,
                                                 action, intent.identity, config, depends_on});
    insert_
        .bind(intent.id, intent.run, intent.address, intent.type, intent.generation, action,
              intent.identity, config, depends_on, intent.started_ms, mac)
        .run();
    return {intent.id,         intent.run,          intent.address,
            intent.generation, std::string(action), std::move(mac)};
}

void rewrite_rows(Database& database, const Cipher& cipher, const Form& form) {
    std::vector<RecordedResource> rows;
    Statement query(database, fmt::format("SELECT {} FROM resources", kRowColumns));
    while (query.step()) rows.push_back(read_row(query, cipher, {}));
    RowWriter writer(database, cipher, form);
    for (const RecordedResource& row : rows) writer.write(row);
    authenticate_project(database, cipher);
}

} // namespace hadeploy::state
