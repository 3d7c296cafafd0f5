#pragma once

#include "state/cipher.h"
#include "state/sql.h"

#include <string_view>

namespace hadeploy::state {

inline constexpr std::string_view kKeyQuery = "SELECT key_lock FROM project";
/// The encrypted data key of the state (see Cipher), in the column `key_lock`; "" if the state is
/// not encrypted yet.
std::string stored_key(sql::Database& database);

/// Stores the cipher's encrypted data key, and authenticates the project. Runs in the caller's
/// transaction.
void store_key(sql::Database& database, const Cipher& cipher);

/// Encrypts the contents of a state that predates encryption, and stores the encrypted data key, in
/// one transaction.
/// @throws Error(state)
void seal_state(sql::Database& database, const Cipher& cipher);

/// Upgrades an encrypted state of an older kind in one transaction: adds or checks the MACs of
/// records, encrypts the specs of runs as a whole, adds the project's MAC, and stores the new
/// encrypted data key.
/// @throws Error(state)
void authenticate_state(sql::Database& database, const Cipher& cipher);

/// Encrypts everything with the data key of `after`, and stores that key in encrypted form. Runs in
/// the caller's transaction.
/// @throws Error(state)
void reseal_state(sql::Database& database, const Cipher& before, const Cipher& after);

} // namespace hadeploy::state
