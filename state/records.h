#pragma once

#include "state/cipher.h"
#include "state/sqlite.h"
#include "state/store.h"

#include <string>
#include <string_view>

/// How records and intents are written into their tables and read from them: in the form that a
/// Form gives them, what is secret sealed, each with its MAC.
namespace hadeploy::state {

constexpr std::string_view kRowColumns =
    "address, type, generation, identity, config, attributes, depends_on, tainted, mac";
constexpr std::string_view kIntentQuery =
    "SELECT id, run, address, type, generation, action, identity, config, depends_on, started_ms, "
    "mac FROM intents";

/// Where a sealed part of a column belongs; sealing.cpp says the same.
std::string place(std::string_view table, std::string_view key, std::string_view column);

/// Of a query for kRowColumns.
/// @throws Error(state)
RecordedResource read_row(const sqlite::Statement& query, const Cipher& cipher, const Form& form);
/// Of kIntentQuery.
/// @throws Error(state)
Intent read_intent(const sqlite::Statement& query, const Cipher& cipher, const Form& form);

class RowWriter {
  public:
    RowWriter(sqlite::Database& database, const Cipher& cipher, const Form& form);
    void write(const RecordedResource& row);

  private:
    const Cipher& cipher_;
    const Form& form_;
    sqlite::Statement insert_;
};

/// Writes an intent and notes the id that it gets.
class IntentWriter {
  public:
    IntentWriter(sqlite::Database& database, const Cipher& cipher, const Form& form);
    void write(Intent& intent);

  private:
    sqlite::Database& db_;
    const Cipher& cipher_;
    const Form& form_;
    sqlite::Statement insert_;
};

/// Writes all records again, in this form: those of a state from before. A part of the caller's
/// transaction.
void rewrite_rows(sqlite::Database& database, const Cipher& cipher, const Form& form);

} // namespace hadeploy::state
