#pragma once

#include "state/cipher.h"
#include "state/sql.h"

#include <optional>
#include <string>
#include <string_view>

namespace hadeploy::state {

/// The mark of a state that must not be used at its location, because it was moved to another
/// location, or is the target of a move that is not complete. So two copies are never both in use.
/// The mark is encrypted, so that nobody without the key can send users to a different location.
struct Relocation {
    enum class Kind { moved_to, copied_from };
    Kind kind = Kind::moved_to;
    std::string place; ///< StateLocation::text(); for a file, with its absolute path
    bool operator==(const Relocation&) const = default;
};

inline constexpr std::string_view kRelocationQuery = "SELECT relocation FROM project";
/// The mark of a state that has the current schema. @throws Error(state) if it was altered
std::optional<Relocation> read_relocation(sql::Database& database, const Cipher& cipher);
/// Sets or removes the mark. Runs in the caller's transaction.
void write_relocation(sql::Database& database, const Cipher& cipher,
                      const std::optional<Relocation>& mark);

/// Refuses a state with a mark. @throws Error(state) that names the other location
void check_not_relocated(sql::Database& database, const Cipher& cipher);
/// The error for a state with this mark. @param name  name of the state, in quotes
Error relocated(const std::string& name, const Relocation& mark);

} // namespace hadeploy::state
