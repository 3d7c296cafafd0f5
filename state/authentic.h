#pragma once

#include "state/cipher.h"
#include "state/sqlite.h"

#include <string>
#include <string_view>

/// Which commands run on a host, and which file root removes, follows from what is recorded. So
/// each record carries a MAC of all its columns: one that was edited, or moved, is not believed.
namespace hadeploy::state {

/// The columns of a record as they are stored, by the names that the tables give them.
struct RecordText {
    std::string_view address, type;
    std::int64_t generation = 0;
    std::string_view identity, config, attributes, depends_on;
    std::int64_t tainted = 0;
};
std::string mac_of(const Cipher& cipher, const RecordText& record);

struct IntentText {
    std::string_view address, type;
    std::int64_t generation = 0;
    std::string_view action, identity, config, depends_on;
};
std::string mac_of(const Cipher& cipher, const IntentText& intent);

/// @throws Error(state) when `mac` is not what it has to be, unless the state is older than MACs
void check_mac(const Cipher& cipher, std::string_view expected, std::string_view mac,
               std::string_view address);

/// @throws Error(state) when a record or an intent is not what its MAC says
void check_all(sqlite::Database& database, const Cipher& cipher);

/// Gives all records and intents their MACs. A part of the caller's transaction.
void authenticate_all(sqlite::Database& database, const Cipher& cipher);

} // namespace hadeploy::state
