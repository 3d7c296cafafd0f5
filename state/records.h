#pragma once

#include "state/digest.h"
#include "state/store.h"

#include <string>
#include <string_view>

/// Reads and writes records and intents in their tables. A Form converts them; their secrets are
/// sealed, and each has a MAC.
namespace hadeploy::state {

constexpr std::string_view kRowColumns =
    "address, type, generation, identity, config, attributes, depends_on, tainted, mac";
/// The place of a sealed part of a column, for Cipher::seal(); must match sealing.cpp.
std::string place(std::string_view table, std::string_view key, std::string_view column);

/// Reads the current row of a query for kRowColumns.
/// @throws Error(state)
RecordedResource read_row(const sql::Statement& query, const Cipher& cipher, const Form& form);

/// Selects records: a condition in SQL and its parameters. "" selects all.
struct Condition {
    std::string sql = {}; ///< parameters are ?1, ?2
    std::vector<std::string> parameters = {};
};
/// Reads records in the order of their addresses, and checks that none was removed, added or
/// replaced by an older version.
/// @throws Error(state)
void read_records(sql::Database& database, const Cipher& cipher, const Form& form,
                  const Condition& wanted, const std::function<void(RecordedResource)>& use);
/// Reads all intents in the order of their IDs, and checks them in the same way.
std::vector<Intent> read_intents(sql::Database& database, const Cipher& cipher, const Form& form);

class RowWriter {
  public:
    RowWriter(sql::Database& database, const Cipher& cipher, const Form& form);
    RecordKey write(const RecordedResource& row);

  private:
    const Cipher& cipher_;
    const Form& form_;
    sql::Statement insert_;
};

/// Writes intents under the IDs that they already have.
class IntentWriter {
  public:
    IntentWriter(sql::Database& database, const Cipher& cipher, const Form& form);
    IntentKey write(const Intent& intent);

  private:
    const Cipher& cipher_;
    const Form& form_;
    sql::Statement insert_;
};

/// Rewrites all records of an older state in the given form, and authenticates them. Runs in the
/// caller's transaction.
void rewrite_rows(sql::Database& database, const Cipher& cipher, const Form& form);

} // namespace hadeploy::state
