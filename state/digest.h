#pragma once

#include "state/cipher.h"
#include "state/sql.h"

#include <array>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

namespace hadeploy::state {

/// A keyed hash of a set of records: the sum modulo 2^256 of their keyed hashes. Adding or removing
/// a record updates the hash without reading the other records. Without the key no other set with
/// the same hash can be found, as long as neither the sum nor the summands are known: MSet-Add-Hash
/// of Clarke, Devadas, van Dijk, Gassend and Suh, ASIACRYPT 2003, section 4.
class Digest {
    /// The digest of an empty set.
  public:
    Digest() = default;
    /// @param bytes  the 32 bytes of bytes()
    explicit Digest(std::string_view bytes);

    Digest& operator+=(const Digest& other);
    Digest& operator-=(const Digest& other);
    bool operator==(const Digest&) const = default;
    [[nodiscard]] std::string bytes() const;

  private:
    std::array<std::uint64_t, 4> words_{}; ///< least significant first
};

/// The digests of a state's tables.
struct Digests {
    Digest records, intents;
    bool operator==(const Digests&) const = default;
};

/// The digests in their stored form: a MAC of each, because the digests themselves must stay
/// secret.
std::string digests_text(const Cipher& cipher, const Digests& digests);
/// Whether a stored text belongs to these records, or intents.
/// @throws Error(state) when it was not written by hadeploy
bool has_records(const Cipher& cipher, std::string_view text, const Digest& records);
bool has_intents(const Cipher& cipher, std::string_view text, const Digest& intents);

/// The key of a record and the MAC of its content: one summand of the digest.
struct RecordKey {
    std::string address;
    std::int64_t generation = 0;
    std::string mac;
};
Digest digest_of(const Cipher& cipher, const RecordKey& record);

/// The key of an intent and the MAC of its content, with the fields that decide when the intent is
/// settled.
struct IntentKey {
    std::int64_t id = 0, run = 0;
    std::string address;
    std::int64_t generation = 0;
    std::string action, mac;
};
Digest digest_of(const Cipher& cipher, const IntentKey& intent);

inline constexpr std::string_view kRecordKeysQuery =
    "SELECT address, generation, mac FROM resources";
inline constexpr std::string_view kIntentKeysQuery =
    "SELECT id, run, address, generation, action, mac FROM intents";
/// Reads the keys of all records and intents. The keys are much smaller than the records.
void each_key(sql::Database& database, const std::function<void(RecordKey)>& record,
              const std::function<void(IntentKey)>& intent);

/// The digests of the rows in the tables.
Digests digests_of(sql::Database& database, const Cipher& cipher);

} // namespace hadeploy::state
