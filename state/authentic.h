#pragma once

#include "state/cipher.h"
#include "state/sql.h"

#include <string>
#include <string_view>

/// Records determine which commands run on a host and which files root removes. Each record
/// therefore has a MAC over all its columns, so that an edited or moved record is rejected. The
/// project has a MAC too, because other programs use its outputs and because its lineage determines
/// identities. That MAC covers a digest of all records, so that no record can be removed or
/// replaced by an earlier copy: see digest.h.
namespace hadeploy::state {

/// The stored columns of a record, named as in the table.
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

/// The largest valid serial. Counting changes never reaches it, so a larger serial is forged.
inline constexpr std::int64_t kMostSerial = std::int64_t{1} << 53;

/// The recorded project, without the epoch of the lock.
struct Project {
    std::string name, lineage;
    std::int64_t serial = 0;
    std::string outputs; ///< in the form in which they are stored
    std::string digest;  ///< digest of all records and intents: see digests_text()
    bool operator==(const Project&) const = default;
};
/// The query for a project of the current schema.
inline constexpr std::string_view kProjectQuery =
    "SELECT name, lineage, serial, outputs, digest, mac FROM project";
/// Reads the project. @throws Error(state) when it does not match its MAC
Project read_project(sql::Database& database, const Cipher& cipher);
/// @param name  name of the state, for messages
void check_project_mac(const Cipher& cipher, const Project& project, std::string_view mac,
                       const std::string& name);
/// Writes the project, except for its name, with its MAC. Runs in the caller's transaction.
void write_project(sql::Database& database, const Cipher& cipher, const Project& project);
/// Updates the project's digest and MAC after any change. Runs in the caller's transaction.
void authenticate_project(sql::Database& database, const Cipher& cipher);

/// The error for an altered record. @param address  address of the record
Error altered(std::string_view address);
/// The error for a state whose records or intents do not have the project's digest.
Error incomplete(const std::string& name);
/// Compares a MAC. @throws Error(state) when it differs from `expected`, unless the state predates
/// MACs
void check_mac(const Cipher& cipher, std::string_view expected, std::string_view mac,
               std::string_view address);

/// Checks the whole state. @throws Error(state) when a record, an intent or the project does not
/// match its MAC, or the digest does not match
void check_all(sql::Database& database, const Cipher& cipher);

/// Updates the MACs of all records and intents, but not the project's MAC. Runs in the caller's
/// transaction.
void authenticate_all(sql::Database& database, const Cipher& cipher);

} // namespace hadeploy::state
