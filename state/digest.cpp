#include "state/digest.h"

#include <algorithm>

namespace hadeploy::state {

namespace {
constexpr std::size_t kSize = 32;
constexpr std::string_view kPlace = "project/1/digest";
constexpr std::size_t kMacSize = 44; // 32 bytes in base64

std::string records_text(const Cipher& cipher, const Digest& records) {
    return cipher.mac({"digest of records", records.bytes()});
}
std::string intents_text(const Cipher& cipher, const Digest& intents) {
    return cipher.mac({"digest of intents", intents.bytes()});
}

/// Earlier versions encrypted the digests instead of storing a MAC of each, which costs less.
bool is_encrypted(std::string_view text) {
    return text.size() != 2 * kMacSize;
}
Digests decrypted(const Cipher& cipher, std::string_view text) {
    const std::string both = cipher.open(text, kPlace);
    return {Digest(std::string_view(both).substr(0, kSize)),
            Digest(std::string_view(both).substr(std::min(both.size(), kSize)))};
}
} // namespace

Digest::Digest(std::string_view bytes) {
    for (std::size_t i = 0; i < kSize && i < bytes.size(); ++i)
        words_[i / 8] |= std::uint64_t{static_cast<unsigned char>(bytes[i])} << (i % 8 * 8);
}

Digest& Digest::operator+=(const Digest& other) {
    std::uint64_t carry = 0;
    for (std::size_t i = 0; i < words_.size(); ++i) {
        const std::uint64_t sum = words_[i] + other.words_[i];
        const std::uint64_t total = sum + carry;
        carry =
            static_cast<std::uint64_t>(sum < words_[i]) | static_cast<std::uint64_t>(total < sum);
        words_[i] = total;
    }
    return *this;
}

Digest& Digest::operator-=(const Digest& other) {
    std::uint64_t borrow = 0;
    for (std::size_t i = 0; i < words_.size(); ++i) {
        const std::uint64_t difference = words_[i] - other.words_[i];
        const std::uint64_t total = difference - borrow;
        borrow = static_cast<std::uint64_t>(words_[i] < other.words_[i]) |
                 static_cast<std::uint64_t>(difference < borrow);
        words_[i] = total;
    }
    return *this;
}

std::string Digest::bytes() const {
    std::string out(kSize, '\0');
    for (std::size_t i = 0; i < kSize; ++i)
        out[i] = static_cast<char>(words_[i / 8] >> (i % 8 * 8));
    return out;
}

std::string digests_text(const Cipher& cipher, const Digests& digests) {
    return records_text(cipher, digests.records) + intents_text(cipher, digests.intents);
}

bool has_records(const Cipher& cipher, std::string_view text, const Digest& records) {
    if (is_encrypted(text)) return decrypted(cipher, text).records == records;
    return text.substr(0, kMacSize) == records_text(cipher, records);
}

bool has_intents(const Cipher& cipher, std::string_view text, const Digest& intents) {
    if (is_encrypted(text)) return decrypted(cipher, text).intents == intents;
    return text.substr(kMacSize) == intents_text(cipher, intents);
}

Digest digest_of(const Cipher& cipher, const RecordKey& record) {
    return Digest(cipher.keyed_hash(
        {"resource in digest", record.address, std::to_string(record.generation), record.mac}));
}

Digest digest_of(const Cipher& cipher, const IntentKey& intent) {
    return Digest(cipher.keyed_hash(
        {"intent in digest", std::to_string(intent.id), std::to_string(intent.run), intent.address,
         std::to_string(intent.generation), intent.action, intent.mac}));
}

void each_key(sql::Database& database, const std::function<void(RecordKey)>& record,
              const std::function<void(IntentKey)>& intent) {
    sql::Statement records(database, kRecordKeysQuery);
    while (records.step()) record({records.text(0), records.integer(1), records.text(2)});
    sql::Statement intents(database, kIntentKeysQuery);
    while (intents.step())
        intent({intents.integer(0), intents.integer(1), intents.text(2), intents.integer(3),
                intents.text(4), intents.text(5)});
}

Digests digests_of(sql::Database& database, const Cipher& cipher) {
    Digests out;
    each_key(
        database, [&](const RecordKey& key) { out.records += digest_of(cipher, key); },
        [&](const IntentKey& key) { out.intents += digest_of(cipher, key); });
    return out;
}

} // namespace hadeploy::state
