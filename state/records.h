#pragma once

#include "state/digest.h"
#include "state/store.h"

#include <string>
#include <string_view>

/// Reading and writing of records and intents in their tables: converted by a Form, with sealed
/// secrets and a MAC each.
namespace hadeploy::state {

constexpr std::string_view kRowColumns =
    "address, type, generation, identity, config, attributes, depends_on, tainted, mac";
/// The place of a sealed part of a column; must match sealing.cpp.
std::string place(std::string_view table, std::string_view key, std::string_view column);

/// Reads the current row of a query for kRowColumns.
/// @throws Error(state)
RecordedResource read_row(const sql::Statement& query, const Cipher& cipher, const Form& form);

/// Which records are wanted: a condition in SQL and its parameters. "": all.
struct Condition {
    std::string sql = {}; ///< parameters are ?1, ?2
    std::vector<std::string> parameters = {};
};
/// Reads records in the order of their addresses, and checks that none is missing, was added or
/// replaced by an earlier one.
/// @throws Error(state)
void read_records(sql::Database& database, const Cipher& cipher, const Form& form,
                  const Condition& wanted, const std::function<void(RecordedResource)>& use);
/// The same for all intents, in the order of their ids.
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

/// Writes an intent with the id that it has.
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
