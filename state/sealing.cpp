#include "state/sealing.h"

#include "state/codec.h"

#include <fmt/format.h>
#include <utility>
#include <vector>

namespace hadeploy::state {

using sqlite::Database;
using sqlite::Statement;
using sqlite::Transaction;

namespace {
/// A column of Values. `place` is the column that a sealed part's place is told by.
struct Column {
    std::string_view table, id, place, name;
    bool is_text = false; ///< a text in which secrets are not marked: all of it is taken for one
};

constexpr Column kColumns[] = {
    {"resources", "address", "address", "config"},
    {"resources", "address", "address", "attributes"},
    {"intents", "id", "address", "config"},
    {"project", "id", "id", "outputs"},
    {"runs", "id", "id", "spec", true},
};

void seal_column(Database& database, const Column& column, const Cipher& cipher) {
    std::vector<std::pair<std::string, std::string>> sealed; // by id
    Statement query(database, fmt::format("SELECT {}, {}, {} FROM {}", column.id, column.place,
                                          column.name, column.table));
    while (query.step()) {
        const Value value =
            column.is_text ? Value(query.text(2)).as_secret() : from_json(query.text(2));
        const std::string place = fmt::format("{}/{}/{}", column.table, query.text(1), column.name);
        sealed.emplace_back(query.text(0), codec::encode(value, cipher, place));
    }
    Statement update(database, fmt::format("UPDATE {} SET {} = ? WHERE {} = ?", column.table,
                                           column.name, column.id));
    for (const auto& [id, text] : sealed) update.bind(text, id).run();
}
} // namespace

std::string stored_lock(Database& database) {
    Statement query(database, "SELECT key_lock FROM project");
    return query.step() ? query.text(0) : "";
}

void seal_state(Database& database, const Cipher& cipher) {
    Transaction transaction(database);
    for (const Column& column : kColumns) seal_column(database, column, cipher);
    Statement(database, "UPDATE project SET key_lock = ?").bind(cipher.lock()).run();
    transaction.commit();
}

} // namespace hadeploy::state
