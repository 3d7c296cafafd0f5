#pragma once

#include <filesystem>
#include <initializer_list>
#include <string>
#include <string_view>

namespace hadeploy {

/// The source of the key of a state. A new state uses the first non-empty member.
struct KeySource {
    std::string passphrase;     ///< of any length
    std::string key;            ///< 32 bytes in base64; or several such keys, separated by spaces
    std::filesystem::path file; ///< contains such keys, one per line; created if missing
    /// Whether a state without an encrypted data key is accepted. Early versions of hadeploy wrote
    /// such states, but anyone who alters a state could also remove the key.
    bool takes_unsealed = false;
};

/// Encrypts with a random data key. The data key is stored beside the data, encrypted with the
/// user's key (the "encrypted data key"). The user's key can therefore change without rewriting the
/// data.
///
/// The algorithms are libsodium's: XChaCha20-Poly1305, whose nonces of 24 bytes can be random
/// without limit, and, for passphrases, Argon2id with the second recommended option of RFC 9106,
/// section 4 (3 passes over 64 MiB).
class Cipher {
  public:
    /// Creates a data key and encrypts it with the user's key. Creates the key file if it is used
    /// and does not exist.
    /// @throws Error(state)
    static Cipher make(const KeySource& source);
    /// Decrypts a data key.
    /// @param what  the owner of the data key, for messages: "the state /a/state.db"
    /// @throws Error(state) when the user's key is missing or wrong, or the encrypted data key is
    ///         damaged
    static Cipher load(std::string_view encrypted_key, const KeySource& source,
                       const std::string& what);
    /// A cipher for data that never leaves this process.
    static Cipher for_memory();

    [[nodiscard]] const std::string& encrypted_key() const { return encrypted_key_; }
    /// Whether the records of this state are authenticated. The encrypted data key records this. It
    /// cannot be forged without the user's key, so a state cannot be passed off as an older one.
    /// For a state of an older kind, encrypted_key() already returns the key of the newest kind.
    [[nodiscard]] bool authenticates() const { return trust_ >= Trust::records; }
    /// Whether the specs of runs are encrypted as a whole.
    [[nodiscard]] bool seals_runs() const { return trust_ >= Trust::runs; }
    /// Whether the project is authenticated: its name, lineage, serial and outputs.
    [[nodiscard]] bool authenticates_project() const { return trust_ >= Trust::project; }
    /// Whether the project's MAC covers the set of records and intents too: see digest.h.
    [[nodiscard]] bool authenticates_set() const { return trust_ == Trust::all; }
    /// A cipher with the same data key for the state after an upgrade, which stores
    /// encrypted_key().
    [[nodiscard]] Cipher upgraded() const;

    /// A keyed hash of these texts, 32 bytes: BLAKE2b, with a key derived from the data key.
    [[nodiscard]] std::string keyed_hash(std::initializer_list<std::string_view> texts) const;
    /// keyed_hash() in base64: the MAC of these texts, the first of which is their purpose.
    [[nodiscard]] std::string mac(std::initializer_list<std::string_view> texts) const;

    /// Encrypts to base64. `place` is the place where the result will be stored; the result cannot
    /// be decrypted at any other place.
    [[nodiscard]] std::string seal(std::string_view plain, std::string_view place) const;
    /// Decrypts.
    /// @throws Error(state) when the text was altered, moved or sealed with a different key
    [[nodiscard]] std::string open(std::string_view sealed, std::string_view place) const;

  private:
    /// The protected parts of a state according to its encrypted data key, from the oldest kind to
    /// the newest.
    enum class Trust { nothing, records, runs, project, all };
    Cipher(std::string data_key, std::string encrypted_key, Trust trust);
    std::string data_key_, mac_key_;
    std::string encrypted_key_;
    Trust trust_;
};

} // namespace hadeploy
