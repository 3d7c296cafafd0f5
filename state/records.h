#pragma once

#include "state/cipher.h"
#include "state/sql.h"
#include "state/store.h"

#include <string>
#include <string_view>

/// Reading and writing of records and intents in their tables: converted by a Form, with sealed
/// secrets and a MAC each.
namespace hadeploy::state {

constexpr std::string_view kRowColumns =
    "address, type, generation, identity, config, attributes, depends_on, tainted, mac";
constexpr std::string_view kIntentQuery =
    "SELECT id, run, address, type, generation, action, identity, config, depends_on, started_ms, "
    "mac FROM intents";

/// The place of a sealed part of a column; must match sealing.cpp.
std::string place(std::string_view table, std::string_view key, std::string_view column);

/// Reads the current row of a query for kRowColumns.
/// @throws Error(state)
RecordedResource read_row(const sql::Statement& query, const Cipher& cipher, const Form& form);
/// Reads the current row of kIntentQuery.
/// @throws Error(state)
Intent read_intent(const sql::Statement& query, const Cipher& cipher, const Form& form);

class RowWriter {
  public:
    RowWriter(sql::Database& database, const Cipher& cipher, const Form& form);
    void write(const RecordedResource& row);

  private:
    const Cipher& cipher_;
    const Form& form_;
    sql::Statement insert_;
};

/// Writes an intent with the id that it has.
class IntentWriter {
  public:
    IntentWriter(sql::Database& database, const Cipher& cipher, const Form& form);
    void write(const Intent& intent);

  private:
    const Cipher& cipher_;
    const Form& form_;
    sql::Statement insert_;
};

/// Rewrites all records of an older state in the given form. Runs in the caller's transaction.
void rewrite_rows(sql::Database& database, const Cipher& cipher, const Form& form);

} // namespace hadeploy::state
