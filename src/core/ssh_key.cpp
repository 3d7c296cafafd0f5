#include "core/ssh_key.h"

#include "core/error.h"
#include "core/hash.h"

#include <algorithm>
#include <array>
#include <memory>
#include <openssl/crypto.h>
#include <openssl/evp.h>

namespace hadeploy {

namespace {
constexpr std::string_view kKeyMagic{"openssh-key-v1\0", 15};
constexpr std::string_view kBegin = "-----BEGIN OPENSSH PRIVATE KEY-----\n";
constexpr std::string_view kEnd = "-----END OPENSSH PRIVATE KEY-----\n";
constexpr std::string_view kType = "ssh-ed25519";

/// Writes length-prefixed fields ("string" and "uint32" of RFC 4251, section 5).
class Packer {
  public:
    Packer& number(std::size_t n) {
        for (const int shift : {24, 16, 8, 0}) bytes_ += static_cast<char>(n >> shift & 0xFF);
        return *this;
    }
    Packer& field(std::string_view text) { return number(text.size()).raw(text); }
    Packer& raw(std::string_view text) { return bytes_ += text, *this; }
    [[nodiscard]] const std::string& bytes() const { return bytes_; }

  private:
    std::string bytes_;
};

/// Reads length-prefixed fields.
class Unpacker {
  public:
    explicit Unpacker(std::string_view bytes) : rest_(bytes) {}
    std::size_t number() {
        std::size_t n = 0;
        for (const char c : take(4)) n = n << 8 | static_cast<unsigned char>(c);
        return n;
    }
    std::string_view field() { return take(number()); }
    std::string_view take(std::size_t count) {
        if (count > rest_.size()) throw Error(ErrorKind::failed, "the SSH key is truncated");
        const std::string_view out = rest_.substr(0, count);
        rest_.remove_prefix(count);
        return out;
    }

  private:
    std::string_view rest_;
};

struct RawKey {
    std::array<unsigned char, 32> seed{};
    std::array<unsigned char, 32> open{};
    ~RawKey() { OPENSSL_cleanse(seed.data(), seed.size()); }
};

std::string_view view(const std::array<unsigned char, 32>& bytes) {
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

RawKey generate() {
    const std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> key(
        EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519"), &EVP_PKEY_free);
    RawKey raw;
    std::size_t seed = raw.seed.size();
    std::size_t open = raw.open.size();
    if (!key || EVP_PKEY_get_raw_private_key(key.get(), raw.seed.data(), &seed) != 1 ||
        EVP_PKEY_get_raw_public_key(key.get(), raw.open.data(), &open) != 1)
        throw Error(ErrorKind::failed, "OpenSSL cannot create an ed25519 key");
    return raw;
}

std::string armour(std::string_view bytes) {
    const std::string text = base64_encode(bytes);
    std::string out(kBegin);
    for (std::size_t i = 0; i < text.size(); i += 70) out.append(text, i, 70).append("\n");
    return out.append(kEnd);
}

std::string public_line(std::string_view blob, std::string_view comment) {
    std::string line = std::string(Unpacker(blob).field()) + " " + base64_encode(blob);
    if (!comment.empty()) line.append(" ").append(comment);
    return line;
}
} // namespace

SshKey make_ssh_key(std::string_view comment) {
    std::string remark(comment);
    std::replace_if(
        remark.begin(), remark.end(), [](char c) { return c == '\n' || c == '\r'; }, ' ');
    const RawKey raw = generate();
    const std::string blob = Packer().field(kType).field(view(raw.open)).bytes();
    // Two equal numbers, by which readers of an encrypted key detect a wrong passphrase.
    const std::string check = random_bytes(4);
    Packer inner;
    inner.raw(check).raw(check).field(kType).field(view(raw.open));
    inner.field(std::string(view(raw.seed)) + std::string(view(raw.open))).field(remark);
    for (char pad = 1; inner.bytes().size() % 8 != 0; ++pad) inner.raw({&pad, 1});
    Packer outer;
    outer.raw(kKeyMagic).field("none").field("none").field("").number(1).field(blob);
    outer.field(inner.bytes());
    return {armour(outer.bytes()), public_line(blob, remark)};
}

std::string ssh_public_key(std::string_view private_key) {
    const auto begin = private_key.find(kBegin);
    const auto end = private_key.find(kEnd.substr(0, kEnd.size() - 1));
    if (begin == std::string_view::npos || end == std::string_view::npos || end < begin)
        throw Error(ErrorKind::failed, "not a private key in OpenSSH's format")
            .with_hint("create one: ssh-keygen -t ed25519");
    const std::string bytes =
        base64_decode(private_key.substr(begin + kBegin.size(), end - begin - kBegin.size()));
    if (!std::string_view(bytes).starts_with(kKeyMagic))
        throw Error(ErrorKind::failed, "not a private key in OpenSSH's format");
    Unpacker outer(std::string_view(bytes).substr(kKeyMagic.size()));
    if (outer.field() != "none")
        throw Error(ErrorKind::failed, "the private key has a passphrase")
            .with_hint("use a key without one, or remove it: ssh-keygen -p -f FILE");
    outer.field(); // the name of the key derivation
    outer.field(); // and its options
    if (outer.number() != 1) throw Error(ErrorKind::failed, "the file holds more than one key");
    const std::string_view blob = outer.field();
    Unpacker inner(outer.field());
    inner.take(8);
    const std::string_view type = inner.field();
    if (type != kType)
        return public_line(blob, ""); // the comment follows fields that depend on the type
    inner.field();
    inner.field();
    return public_line(blob, inner.field());
}

std::string ssh_fingerprint(std::string_view public_key) {
    const auto space = public_key.find(' ');
    if (space == std::string_view::npos)
        throw Error(ErrorKind::failed, "not a public key line (TYPE KEY)");
    std::string_view text = public_key.substr(space + 1);
    text = text.substr(0, text.find_first_of(" \r\n"));
    Sha256 hash;
    hash.update(base64_decode(text));
    std::string digest = base64_encode(hash.finish());
    digest.erase(digest.find_last_not_of('=') + 1);
    return "SHA256:" + digest;
}

} // namespace hadeploy
