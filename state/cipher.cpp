#include "state/cipher.h"

#include "core/error.h"
#include "core/hash.h"
#include "core/value.h"
#include "core/value_json.h"
#include "state/key_file.h"

#include <fmt/format.h>
#include <optional>
#include <sodium.h>
#include <vector>

namespace hadeploy {

namespace {
constexpr std::size_t kCipherKeySize = crypto_aead_xchacha20poly1305_ietf_KEYBYTES;
constexpr std::size_t kNonceSize = crypto_aead_xchacha20poly1305_ietf_NPUBBYTES;
constexpr std::size_t kTagSize = crypto_aead_xchacha20poly1305_ietf_ABYTES;
/// The places to which encrypted data keys are bound, from the newest kind to the oldest. Stored
/// keys depend on these texts, so they never change.
constexpr std::string_view kKeyPlace =
    "hadeploy lock of authenticated records, runs, project and digest";
constexpr std::string_view kProjectKeyPlace =
    "hadeploy lock of authenticated records, runs and project";
constexpr std::string_view kRunsKeyPlace = "hadeploy lock of authenticated records and runs";
constexpr std::string_view kRecordsKeyPlace = "hadeploy lock of authenticated records";
constexpr std::string_view kFirstKeyPlace = "hadeploy lock";
static_assert(kCipherKeySize == state::kKeySize);

/// Parameters of Argon2id. They are stored with the encrypted data key, so a later version can use
/// different values for new keys.
struct Cost {
    std::int64_t passes = 3;
    std::int64_t memory = 64 << 20;
};
/// Upper limits for the parameters in a state, which may be forged.
constexpr Cost kMostCost{16, std::int64_t{1} << 30};

const unsigned char* bytes(std::string_view text) {
    return reinterpret_cast<const unsigned char*>(text.data());
}
unsigned char* bytes(std::string& text) {
    return reinterpret_cast<unsigned char*>(text.data());
}

std::string seal_with(std::string_view key, std::string_view plain, std::string_view place) {
    const std::string nonce = random_bytes(kNonceSize);
    std::string out(plain.size() + kTagSize, '\0');
    crypto_aead_xchacha20poly1305_ietf_encrypt(bytes(out), nullptr, bytes(plain), plain.size(),
                                               bytes(place), place.size(), nullptr, bytes(nonce),
                                               bytes(key));
    return base64_encode(nonce + out);
}

/// nullopt when decryption fails for any reason.
std::optional<std::string> open_with(std::string_view key, std::string_view sealed,
                                     std::string_view place) {
    std::string all;
    try {
        all = base64_decode(sealed);
    } catch (const Error&) {
        return std::nullopt;
    }
    if (all.size() < kNonceSize + kTagSize) return std::nullopt;
    const std::string_view nonce = std::string_view(all).substr(0, kNonceSize);
    const std::string_view text = std::string_view(all).substr(kNonceSize);
    std::string out(text.size() - kTagSize, '\0');
    if (crypto_aead_xchacha20poly1305_ietf_decrypt(bytes(out), nullptr, nullptr, bytes(text),
                                                   text.size(), bytes(place), place.size(),
                                                   bytes(nonce), bytes(key)) != 0)
        return std::nullopt;
    return out;
}

Error damaged_key(const std::string& what) {
    return Error(ErrorKind::state, fmt::format("the encrypted data key of {} is damaged", what))
        .with_hint("restore a backup of the state");
}

std::string from_passphrase(std::string_view passphrase, std::string_view salt, Cost cost) {
    std::string key(kCipherKeySize, '\0');
    if (crypto_pwhash(bytes(key), key.size(), passphrase.data(), passphrase.size(), bytes(salt),
                      static_cast<unsigned long long>(cost.passes),
                      static_cast<std::size_t>(cost.memory), crypto_pwhash_ALG_ARGON2ID13) != 0)
        throw Error(ErrorKind::state,
                    fmt::format("deriving a key from the passphrase needs {} MiB of memory",
                                cost.memory >> 20));
    return key;
}

/// The user's keys: the first one is used for encryption, all of them for decryption.
std::vector<std::string> user_keys(const KeySource& source, bool make) {
    if (!source.key.empty()) return state::parse_keys(source.key, "HADEPLOY_STATE_KEY");
    return make ? state::read_or_make_keys(source.file) : state::read_keys(source.file);
}

/// The source's keys of the kind that encrypted the data key.
std::vector<std::string> keys_for(const Value& stored, const KeySource& source,
                                  const std::string& what) {
    if (stored.text("kdf") == "none") return user_keys(source, false);
    const Cost cost{stored.integer("passes"), stored.integer("memory")};
    std::string salt;
    try {
        salt = base64_decode(stored.text("salt"));
    } catch (const Error&) { // reported below
    }
    if (stored.text("kdf") != "argon2id" || salt.size() != crypto_pwhash_SALTBYTES ||
        cost.passes < 1 || cost.passes > kMostCost.passes ||
        cost.memory < static_cast<std::int64_t>(crypto_pwhash_MEMLIMIT_MIN) ||
        cost.memory > kMostCost.memory)
        throw damaged_key(what);
    if (source.passphrase.empty())
        throw Error(ErrorKind::state, fmt::format("{} is encrypted with a passphrase", what))
            .with_hint("set HADEPLOY_STATE_PASSPHRASE");
    return {from_passphrase(source.passphrase, salt, cost)};
}

Value parsed_key(std::string_view encrypted_key, const std::string& what) {
    Value parsed;
    try {
        parsed = from_json(encrypted_key);
    } catch (const Error&) { // reported below
    }
    if (parsed.text("key").empty()) throw damaged_key(what);
    return parsed;
}

std::string origin(const Value& stored, const KeySource& source) {
    if (stored.text("kdf") != "none") return "the passphrase in HADEPLOY_STATE_PASSPHRASE";
    return source.key.empty() ? "the key in " + source.file.string()
                              : "the key in HADEPLOY_STATE_KEY";
}
} // namespace

Cipher::Cipher(std::string data_key, std::string encrypted_key, Trust trust)
    : data_key_(std::move(data_key)), mac_key_(crypto_generichash_KEYBYTES, '\0'),
      encrypted_key_(std::move(encrypted_key)), trust_(trust) {
    constexpr std::string_view purpose = "hadeploy records";
    if (sodium_init() < 0 ||
        crypto_generichash(bytes(mac_key_), mac_key_.size(), bytes(purpose), purpose.size(),
                           bytes(std::string_view(data_key_)), data_key_.size()) != 0)
        throw Error(ErrorKind::state, "cannot initialize libsodium");
}

Cipher Cipher::upgraded() const {
    return {data_key_, encrypted_key_, Trust::all};
}

std::string Cipher::mac(std::initializer_list<std::string_view> texts) const {
    return base64_encode(keyed_hash(texts));
}

std::string Cipher::keyed_hash(std::initializer_list<std::string_view> texts) const {
    crypto_generichash_state state;
    std::string out(crypto_generichash_BYTES, '\0');
    crypto_generichash_init(&state, bytes(std::string_view(mac_key_)), mac_key_.size(), out.size());
    for (const std::string_view text :
         texts) { // with its size, so that boundaries are part of the input
        const std::string size = std::to_string(text.size()) + ":"; // runs for each change
        crypto_generichash_update(&state, bytes(std::string_view(size)), size.size());
        crypto_generichash_update(&state, bytes(text), text.size());
    }
    crypto_generichash_final(&state, bytes(out), out.size());
    return out;
}

Cipher Cipher::make(const KeySource& source) {
    std::string data_key = random_bytes(kCipherKeySize);
    if (source.passphrase.empty()) {
        const Value stored =
            Value::map({{"kdf", "none"},
                        {"key", seal_with(user_keys(source, true).front(), data_key, kKeyPlace)}});
        return {std::move(data_key), to_json(stored), Trust::all};
    }
    const Cost cost;
    const std::string salt = random_bytes(crypto_pwhash_SALTBYTES);
    const std::string key = from_passphrase(source.passphrase, salt, cost);
    const Value stored = Value::map({{"kdf", "argon2id"},
                                     {"passes", cost.passes},
                                     {"memory", cost.memory},
                                     {"salt", base64_encode(salt)},
                                     {"key", seal_with(key, data_key, kKeyPlace)}});
    return {std::move(data_key), to_json(stored), Trust::all};
}

Cipher Cipher::load(std::string_view encrypted_key, const KeySource& source,
                    const std::string& what) {
    const Value parsed = parsed_key(encrypted_key, what);
    for (const std::string& key : keys_for(parsed, source, what)) {
        for (const auto& [place, trust] : {std::pair(kKeyPlace, Trust::all),
                                           {kProjectKeyPlace, Trust::project},
                                           {kRunsKeyPlace, Trust::runs},
                                           {kRecordsKeyPlace, Trust::records},
                                           {kFirstKeyPlace, Trust::nothing}}) {
            auto data_key = open_with(key, parsed.text("key"), place);
            if (!data_key || data_key->size() != kCipherKeySize) continue;
            std::string today(encrypted_key);
            if (trust != Trust::all)
                today = to_json(parsed.with("key", seal_with(key, *data_key, kKeyPlace)));
            return {std::move(*data_key), std::move(today), trust};
        }
    }
    throw Error(ErrorKind::state, fmt::format("{} does not open {}", origin(parsed, source), what))
        .with_hint("nothing was changed; use the key with which it was created, or the new key if "
                   "`hadeploy state rekey` has changed the key");
}

Cipher Cipher::for_memory() {
    return {random_bytes(kCipherKeySize), "", Trust::nothing};
}

std::string Cipher::seal(std::string_view plain, std::string_view place) const {
    return seal_with(data_key_, plain, place);
}

std::string Cipher::open(std::string_view sealed, std::string_view place) const {
    auto plain = open_with(data_key_, sealed, place);
    if (!plain)
        throw Error(ErrorKind::state,
                    fmt::format("a secret was altered or moved from a different place: {}", place))
            .with_hint("restore a backup of the state");
    return std::move(*plain);
}

} // namespace hadeploy
