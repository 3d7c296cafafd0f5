#pragma once

#include "state/cipher.h"
#include "state/sqlite.h"

#include <string>
#include <string_view>

/// Which commands run on a host, and which file root removes, follows from what is recorded. So
/// each record carries a MAC of all its columns: one that was edited, or moved, is not believed.
/// The project has one too: outputs are what other programs go by, and identities follow from the
/// lineage.
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

/// A serial counts changes: no state gets to more, and one that says so was made up.
inline constexpr std::int64_t kMostSerial = std::int64_t{1} << 53;

/// What is recorded of the project, apart from the number of the lock's takings.
struct Project {
    std::string name, lineage;
    std::int64_t serial = 0;
    std::string outputs; ///< as stored
};
/// @throws Error(state) when it is not what its MAC says
Project read_project(sqlite::Database& database, const Cipher& cipher);
/// Gives the project its MAC, after a change of it. A part of the caller's transaction.
void authenticate_project(sqlite::Database& database, const Cipher& cipher);

/// @throws Error(state) when `mac` is not what it has to be, unless the state is older than MACs
void check_mac(const Cipher& cipher, std::string_view expected, std::string_view mac,
               std::string_view address);

/// @throws Error(state) when a record, an intent or the project is not what its MAC says
void check_all(sqlite::Database& database, const Cipher& cipher);

/// Gives all records, all intents and the project their MACs. A part of the caller's transaction.
void authenticate_all(sqlite::Database& database, const Cipher& cipher);

} // namespace hadeploy::state
