#include "state/sealing.h"

#include "core/value_json.h"
#include "state/authentic.h"
#include "state/codec.h"

#include <fmt/format.h>
#include <utility>
#include <vector>

namespace hadeploy::state {

using sql::Database;
using sql::Statement;
using sql::Transaction;

namespace {
/// A column of Values. `place` is the column with the name from which the place of sealed parts is
/// formed.
struct Column {
    std::string_view table, id, place, name;
    /// States that predate encryption have a text here in which secrets are not marked, so all of
    /// it counts as secret.
    bool is_text = false;
    bool whole = false; ///< encrypted as a whole
};

constexpr Column kColumns[] = {
    {"resources", "address", "address", "config"},
    {"resources", "address", "address", "attributes"},
    {"intents", "id", "address", "config"},
    {"project", "id", "id", "outputs"},
    {"runs", "id", "id", "spec", true, true},
};
constexpr const Column& kRuns = kColumns[4];

/// Reads a column.
/// @param before  cipher of the column; nullptr for a state that predates encryption
Value read_column(const Column& column, const std::string& text, const Cipher* before,
                  const std::string& place) {
    if (before != nullptr) return codec::decode(text, *before, place);
    return column.is_text ? Value(text).as_secret() : from_json(text);
}

void seal_column(Database& database, const Column& column, const Cipher* before,
                 const Cipher& after) {
    std::vector<std::pair<std::string, std::string>> sealed; // by ID
    Statement query(database, fmt::format("SELECT {}, {}, {} FROM {}", column.id, column.place,
                                          column.name, column.table));
    while (query.step()) {
        const std::string place = fmt::format("{}/{}/{}", column.table, query.text(1), column.name);
        const Value value = read_column(column, query.text(2), before, place);
        sealed.emplace_back(query.text(0),
                            codec::encode(column.whole ? value.as_secret() : value, after, place));
    }
    Statement update(database, fmt::format("UPDATE {} SET {} = ? WHERE {} = ?", column.table,
                                           column.name, column.id));
    for (const auto& [id, text] : sealed) update.bind(text, id).run();
}

void seal_all(Database& database, const Cipher* before, const Cipher& after) {
    for (const Column& column : kColumns) seal_column(database, column, before, after);
    authenticate_all(database, after);
    store_key(database, after);
}
} // namespace

void store_key(Database& database, const Cipher& cipher) {
    authenticate_project(database, cipher);
    Statement(database, "UPDATE project SET key_lock = ?").bind(cipher.encrypted_key()).run();
}

std::string stored_key(Database& database) {
    Statement query(database, kKeyQuery);
    return query.step() ? query.text(0) : "";
}

void seal_state(Database& database, const Cipher& cipher) {
    Transaction transaction(database);
    seal_all(database, nullptr, cipher);
    transaction.commit();
}

void authenticate_state(Database& database, const Cipher& cipher) {
    Transaction transaction(database);
    if (cipher.authenticates())
        check_all(database, cipher);
    else
        authenticate_all(database, cipher);
    if (!cipher.seals_runs()) seal_column(database, kRuns, &cipher, cipher);
    store_key(database, cipher);
    transaction.commit();
}

void reseal_state(Database& database, const Cipher& before, const Cipher& after) {
    check_all(database, before); // otherwise altered data would receive a valid MAC
    seal_all(database, &before, after);
}

} // namespace hadeploy::state
