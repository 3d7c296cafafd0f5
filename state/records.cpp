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

RowWriter::RowWriter(Database& db, const Cipher& cipher, const Form& form)
    : cipher_(cipher), form_(form),
      insert_(db, fmt::format("INSERT INTO resources ({}) VALUES (?,?,?,?,?,?,?,?,?) ON CONFLICT "
                              "(address) DO UPDATE SET type = excluded.type, generation = "
                              "excluded.generation, identity = excluded.identity, config = "
                              "excluded.config, attributes = excluded.attributes, depends_on = "
                              "excluded.depends_on, tainted = excluded.tainted, mac = excluded.mac",
                              kRowColumns)) {}

void RowWriter::write(const RecordedResource& row) {
    const std::string config = codec::encode(changed(form_.kept, row.type, row.config), cipher_,
                                             place("resources", row.address, "config"));
    const std::string attributes =
        codec::encode(changed(form_.kept, row.type, row.attributes), cipher_,
                      place("resources", row.address, "attributes"));
    const std::string depends_on = codec::encode_names(row.depends_on);
    const std::int64_t tainted = row.tainted;
    insert_
        .bind(row.address, row.type, row.generation, row.identity, config, attributes, depends_on,
              tainted,
              mac_of(cipher_, RecordText{row.address, row.type, row.generation, row.identity,
                                         config, attributes, depends_on, tainted}))
        .run();
}

IntentWriter::IntentWriter(Database& db, const Cipher& cipher, const Form& form)
    : cipher_(cipher), form_(form),
      insert_(db, "INSERT INTO intents (id, run, address, type, generation, action, identity, "
                  "config, depends_on, input_hash, started_ms, mac) "
                  "VALUES (?,?,?,?,?,?,?,?,?,'',?,?)") {
} // no hash, which would reveal information about secrets

void IntentWriter::write(const Intent& intent) {
    const std::string config = codec::encode(changed(form_.kept, intent.type, intent.config),
                                             cipher_, place("intents", intent.address, "config"));
    const std::string depends_on = codec::encode_names(intent.depends_on);
    const std::string_view action = change_name(intent.action);
    insert_
        .bind(intent.id, intent.run, intent.address, intent.type, intent.generation, action,
              intent.identity, config, depends_on, intent.started_ms,
              mac_of(cipher_, IntentText{intent.address, intent.type, intent.generation, action,
                                         intent.identity, config, depends_on}))
        .run();
}

void rewrite_rows(Database& database, const Cipher& cipher, const Form& form) {
    std::vector<RecordedResource> rows;
    Statement query(database, fmt::format("SELECT {} FROM resources", kRowColumns));
    while (query.step()) rows.push_back(read_row(query, cipher, {}));
    RowWriter writer(database, cipher, form);
    for (const RecordedResource& row : rows) writer.write(row);
}

} // namespace hadeploy::state
