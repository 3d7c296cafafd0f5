#pragma once

#include "state/cipher.h"
#include "state/sql.h"

#include <optional>
#include <string>

namespace hadeploy::state {

/// The mark of a state that is not to be used where it is, as it was moved to another place, or was
/// copied from one by a move that is not complete. So of two copies never both are used. It is
/// encrypted, so that nobody without the key can send users to another place.
struct Relocation {
    enum class Kind { moved_to, copied_from };
    Kind kind = Kind::moved_to;
    std::string place; ///< StateLocation::text(), of a file with its absolute path
    bool operator==(const Relocation&) const = default;
};

/// The mark of a state with the present schema. @throws Error(state) if it was altered
std::optional<Relocation> read_relocation(sql::Database& database, const Cipher& cipher);
/// Sets or removes the mark. Runs in the caller's transaction.
void write_relocation(sql::Database& database, const Cipher& cipher,
                      const std::optional<Relocation>& mark);

/// @throws Error(state) saying where the state is if it has a mark
void check_not_relocated(sql::Database& database, const Cipher& cipher);
/// The error for a state with this mark. @param name  of the state, in quotes
Error relocated(const std::string& name, const Relocation& mark);

} // namespace hadeploy::state
