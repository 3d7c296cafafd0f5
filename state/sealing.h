#pragma once

#include "state/cipher.h"
#include "state/sqlite.h"

namespace hadeploy::state {

/// The lock of the state's data key; "" of a state that is not encrypted yet.
std::string stored_lock(sqlite::Database& database);

/// Encrypts what a state from before encryption holds, and stores the lock: in one transaction.
/// @throws Error(state)
void seal_state(sqlite::Database& database, const Cipher& cipher);

/// Gives the records of an encrypted state from before that their MACs, or checks those that they
/// have, encrypts what runs were made from as a whole, gives the project its MAC, and stores the
/// lock that says so: in one transaction.
/// @throws Error(state)
void authenticate_state(sqlite::Database& database, const Cipher& cipher);

/// Encrypts everything anew with another data key, and stores its lock. A part of the caller's
/// transaction.
/// @throws Error(state)
void reseal_state(sqlite::Database& database, const Cipher& before, const Cipher& after);

} // namespace hadeploy::state
