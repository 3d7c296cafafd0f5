#pragma once

#include "state/cipher.h"
#include "state/sql.h"

namespace hadeploy::state {

/// The lock of the state's data key; "" if the state is not encrypted yet.
std::string stored_lock(sql::Database& database);

/// Stores the cipher's lock, and authenticates the project. Runs in the caller's transaction.
void store_lock(sql::Database& database, const Cipher& cipher);

/// Encrypts the contents of a state from before encryption and stores the lock, in one transaction.
/// @throws Error(state)
void seal_state(sql::Database& database, const Cipher& cipher);

/// Upgrades an encrypted state of an older kind in one transaction: adds or checks the MACs of
/// records, encrypts the specs of runs as a whole, adds the project's MAC, and stores the new lock.
/// @throws Error(state)
void authenticate_state(sql::Database& database, const Cipher& cipher);

/// Encrypts everything with another data key and stores its lock. Runs in the caller's transaction.
/// @throws Error(state)
void reseal_state(sql::Database& database, const Cipher& before, const Cipher& after);

} // namespace hadeploy::state
