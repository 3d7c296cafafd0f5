#pragma once

#include <filesystem>
#include <initializer_list>
#include <string>
#include <string_view>

namespace hadeploy {

/// The source of the key of a state. A new state uses the first non-empty member.
struct KeySource {
    std::string passphrase;     ///< of any length
    std::string key;            ///< 32 bytes in base64
    std::filesystem::path file; ///< contains such keys, one per line; created if missing
    /// Whether a state without a lock is accepted. Early versions of hadeploy wrote such states,
    /// but anyone who alters a state could also remove its lock.
    bool takes_unsealed = false;
};

/// Encrypts with a random data key, which is stored beside the data in encrypted form ("the lock").
/// So the user's key can change without rewriting the data.
///
/// The algorithms are libsodium's: XChaCha20-Poly1305, whose nonces of 24 bytes can be random
/// without limit, and Argon2id for passphrases with the second recommended option of RFC 9106,
/// section 4 (3 passes over 64 MiB).
class Cipher {
  public:
    /// Creates a data key and locks it with the user's key. Creates the key file if it is used and
    /// does not exist.
    /// @throws Error(state)
    static Cipher make(const KeySource& source);
    /// Unlocks a data key.
    /// @param what  for messages: "the state /a/state.db"
    /// @throws Error(state): for a missing or wrong key, or a damaged lock
    static Cipher unlock(std::string_view lock, const KeySource& source, const std::string& what);
    /// For data that never leaves this process.
    static Cipher for_memory();

    [[nodiscard]] const std::string& lock() const { return lock_; }
    /// Whether the records of this state are authenticated. The lock records this. As it cannot be
    /// forged without the user's key, a state cannot be passed off as an older one. For a state of
    /// an older kind, lock() already returns the new lock.
    [[nodiscard]] bool authenticates() const { return trust_ >= Trust::records; }
    /// Whether the specs of runs are encrypted as a whole.
    [[nodiscard]] bool seals_runs() const { return trust_ >= Trust::runs; }
    /// Whether the project is authenticated: its name, lineage, serial and outputs.
    [[nodiscard]] bool authenticates_project() const { return trust_ >= Trust::project; }
    /// Whether the project's MAC covers the set of records and intents too: see digest.h.
    [[nodiscard]] bool authenticates_set() const { return trust_ == Trust::all; }
    /// The same key for the state after an upgrade, that is with the lock of lock().
    [[nodiscard]] Cipher upgraded() const;

    /// A keyed hash of these texts, 32 bytes: BLAKE2b, with a key derived from the data key.
    [[nodiscard]] std::string keyed_hash(std::initializer_list<std::string_view> texts) const;
    /// The same in base64, as the MAC of texts that begin with their purpose.
    [[nodiscard]] std::string mac(std::initializer_list<std::string_view> texts) const;

    /// Encrypts to base64. `place` is where the result will be stored; it cannot be opened at
    /// another place.
    [[nodiscard]] std::string seal(std::string_view plain, std::string_view place) const;
    /// Decrypts.
    /// @throws Error(state) when the text was altered, moved or sealed with another key
    [[nodiscard]] std::string open(std::string_view sealed, std::string_view place) const;

  private:
    /// The protected parts of a state according to its lock, from the oldest kind to the newest.
    enum class Trust { nothing, records, runs, project, all };
    Cipher(std::string data_key, std::string lock, Trust trust);
    std::string data_key_, mac_key_;
    std::string lock_;
    Trust trust_;
};

} // namespace hadeploy
