#pragma once

#include <filesystem>
#include <initializer_list>
#include <string>
#include <string_view>

namespace hadeploy {

/// Where the key comes from that locks a state. Of several, the first that is not empty counts when
/// a state is made.
struct KeySource {
    std::string passphrase;     ///< of any length
    std::string key;            ///< 32 bytes in base64
    std::filesystem::path file; ///< holds such keys, one a line; made when it is not there
    /// Whether a state without a lock is taken. A hadeploy that did not seal states yet wrote such
    /// ones, but anyone who alters a state could remove its lock.
    bool takes_unsealed = false;
};

/// Encrypts with a data key of its own, which is stored beside what it encrypts, itself encrypted
/// ("the lock"). So the user's key can change without anything else being written anew.
///
/// The algorithms are libsodium's: XChaCha20-Poly1305 (its nonces of 24 bytes may be drawn at
/// random for ever), and Argon2id for passphrases with the second of the two settings that RFC
/// 9106, section 4, recommends: 3 passes over 64 MiB.
class Cipher {
  public:
    /// A new data key, locked with the user's key. Makes the key file where that is to be used and
    /// is not there.
    /// @throws Error(state)
    static Cipher make(const KeySource& source);
    /// The data key out of its lock.
    /// @param what  for messages: "the state /a/state.db"
    /// @throws Error(state): no key, not the right one, or the lock is damaged
    static Cipher unlock(std::string_view lock, const KeySource& source, const std::string& what);
    /// For what never leaves this process.
    static Cipher for_memory();

    [[nodiscard]] const std::string& lock() const { return lock_; }
    /// Whether the records of this state are authenticated. Its lock says so, which nobody can make
    /// without the user's key: so a state can't be passed off as one from before. Of such a one
    /// lock() is already the new lock.
    [[nodiscard]] bool authenticates() const { return trust_ >= Trust::records; }
    /// The same of what runs were made from: whether it is encrypted as a whole.
    [[nodiscard]] bool seals_runs() const { return trust_ >= Trust::runs; }
    /// The same of the project: its name, lineage, serial and outputs.
    [[nodiscard]] bool authenticates_project() const { return trust_ == Trust::all; }

    /// What only who has the data key can make of these texts, in base64: keyed BLAKE2b.
    [[nodiscard]] std::string mac(std::initializer_list<std::string_view> texts) const;

    /// Encrypts, in base64. `place` says where the result will be kept: what is moved elsewhere
    /// can't be opened there.
    [[nodiscard]] std::string seal(std::string_view plain, std::string_view place) const;
    /// @throws Error(state) when it was altered, moved or sealed with another key
    [[nodiscard]] std::string open(std::string_view sealed, std::string_view place) const;

  private:
    /// What a state's lock says of what is in it, from the oldest kind of lock to today's.
    enum class Trust { nothing, records, runs, all };
    Cipher(std::string data_key, std::string lock, Trust trust);
    std::string data_key_, mac_key_;
    std::string lock_;
    Trust trust_;
};

} // namespace hadeploy
