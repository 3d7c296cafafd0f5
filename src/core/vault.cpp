#include "core/vault.h"

#include "core/error.h"
#include "core/hash.h"
#include "core/text.h"

#include <algorithm>
#include <array>
#include <fmt/format.h>
#include <memory>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <optional>
#include <vector>

namespace hadeploy::vault {

namespace {
constexpr std::string_view kVaultMagic = "$ANSIBLE_VAULT";
constexpr std::string_view kCipher = "AES256";
constexpr std::size_t kLineLength = 80;
constexpr std::size_t kSaltSize = 32;
constexpr std::size_t kKeySize = 32;
constexpr std::size_t kBlock = 16; ///< AES block size, to which the text is padded
constexpr std::size_t kMacSize = 32;
constexpr int kRounds = 10'000;

const unsigned char* bytes(std::string_view text) {
    return reinterpret_cast<const unsigned char*>(text.data());
}
unsigned char* bytes(std::string& text) {
    return reinterpret_cast<unsigned char*>(text.data());
}

/// The keys that PBKDF2 derives from a password. The destructor overwrites them.
class Keys {
  public:
    Keys(std::string_view password, std::string_view salt) {
        if (PKCS5_PBKDF2_HMAC(password.data(), static_cast<int>(password.size()), bytes(salt),
                              static_cast<int>(salt.size()), kRounds, EVP_sha256(),
                              static_cast<int>(material_.size()), material_.data()) != 1)
            throw Error(ErrorKind::failed, "OpenSSL does not provide PBKDF2");
    }
    ~Keys() { OPENSSL_cleanse(material_.data(), material_.size()); }
    Keys(const Keys&) = delete;
    Keys& operator=(const Keys&) = delete;

    [[nodiscard]] const unsigned char* cipher() const { return material_.data(); }
    [[nodiscard]] const unsigned char* mac() const { return material_.data() + kKeySize; }
    [[nodiscard]] const unsigned char* counter() const { return material_.data() + 2 * kKeySize; }

  private:
    std::array<unsigned char, 2 * kKeySize + kBlock> material_{};
};

/// Encrypts or decrypts: in counter mode both are the same operation.
std::string aes_ctr(std::string_view text, const Keys& keys) {
    const std::unique_ptr<EVP_CIPHER_CTX, decltype(&EVP_CIPHER_CTX_free)> context(
        EVP_CIPHER_CTX_new(), EVP_CIPHER_CTX_free);
    std::string out(text.size(), '\0');
    int size = 0;
    if (context == nullptr ||
        EVP_EncryptInit_ex(context.get(), EVP_aes_256_ctr(), nullptr, keys.cipher(),
                           keys.counter()) != 1 ||
        EVP_EncryptUpdate(context.get(), bytes(out), &size, bytes(text),
                          static_cast<int>(text.size())) != 1)
        throw Error(ErrorKind::failed, "OpenSSL does not provide AES-256-CTR");
    return out;
}

std::string hmac(std::string_view text, const Keys& keys) {
    std::string out(kMacSize, '\0');
    if (HMAC(EVP_sha256(), keys.mac(), kKeySize, bytes(text), text.size(), bytes(out), nullptr) ==
        nullptr)
        throw Error(ErrorKind::failed, "OpenSSL does not provide HMAC");
    return out;
}

std::string padded(std::string_view plain) {
    const std::size_t padding = kBlock - plain.size() % kBlock;
    return std::string(plain) + std::string(padding, static_cast<char>(padding));
}

std::vector<std::string> split(std::string_view text, char at) {
    std::vector<std::string> out{""};
    for (const char c : text)
        if (c == at)
            out.emplace_back();
        else
            out.back() += c;
    return out;
}

Error damaged(std::string_view why) {
    return Error(ErrorKind::failed, fmt::format("the vault file is damaged: {}", why))
        .with_hint("replace it with an intact copy");
}

struct Header {
    std::string version, cipher, label;
};

Header read_header(std::string_view vault) {
    std::string line(vault.substr(0, vault.find('\n')));
    line.erase(line.find_last_not_of(" \t\r") + 1);
    std::vector<std::string> fields = split(line, ';');
    fields.resize(4);
    return {fields[1], fields[2], fields[3]};
}

void check_header(const Header& header) {
    if (header.version != "1.1" && header.version != "1.2")
        throw Error(ErrorKind::failed,
                    fmt::format("cannot read vault files of version {}", in_quotes(header.version)))
            .with_hint("supported are 1.1 and 1.2; convert an older file: ansible-vault rekey");
    if (header.cipher != kCipher)
        throw Error(ErrorKind::failed,
                    fmt::format("cannot read vault files with the cipher {}, only {}",
                                in_quotes(header.cipher), kCipher));
}

struct Parts {
    std::string salt, mac, text;
};

std::string unhex_part(std::string_view digits) {
    auto out = unhex(digits);
    if (!out) throw damaged("it is truncated, or contains characters other than hex digits");
    return std::move(*out);
}

Parts read_parts(std::string_view vault) {
    const auto line_end = vault.find('\n');
    std::string body(line_end == vault.npos ? "" : vault.substr(line_end));
    std::erase_if(body, [](char c) { return c == '\n' || c == '\r' || c == ' ' || c == '\t'; });
    const std::vector<std::string> parts = split(unhex_part(body), '\n');
    if (parts.size() != 3) throw damaged("a part is missing");
    Parts out{unhex_part(parts[0]), unhex_part(parts[1]), unhex_part(parts[2])};
    if (out.mac.size() != kMacSize || out.text.empty() || out.text.size() % kBlock != 0)
        throw damaged("it is truncated");
    return out;
}
} // namespace

bool is_vault(std::string_view text) {
    return text.starts_with(kVaultMagic) && text.substr(kVaultMagic.size()).starts_with(';');
}

std::string label(std::string_view vault) {
    return is_vault(vault) ? read_header(vault).label : "";
}

std::string encrypt(std::string_view plain, std::string_view password, std::string_view label) {
    if (password.empty()) throw Error(ErrorKind::failed, "the vault's password is empty");
    const std::string salt = random_bytes(kSaltSize);
    const Keys keys(password, salt);
    const std::string text = aes_ctr(padded(plain), keys);
    const std::string body =
        hex(fmt::format("{}\n{}\n{}", hex(salt), hex(hmac(text, keys)), hex(text)));
    std::string out = label.empty() ? fmt::format("{};1.1;{}\n", kVaultMagic, kCipher)
                                    : fmt::format("{};1.2;{};{}\n", kVaultMagic, kCipher, label);
    for (std::size_t at = 0; at < body.size(); at += kLineLength)
        out += body.substr(at, kLineLength) + "\n";
    return out;
}

std::string decrypt(std::string_view vault, std::string_view password) {
    if (!is_vault(vault)) throw Error(ErrorKind::failed, "not a vault file");
    check_header(read_header(vault));
    const Parts parts = read_parts(vault);
    const Keys keys(password, parts.salt);
    const std::string mac = hmac(parts.text, keys);
    if (CRYPTO_memcmp(mac.data(), parts.mac.data(), kMacSize) != 0)
        throw Error(ErrorKind::failed, "the password is wrong, or the vault file was altered");
    std::string plain = aes_ctr(parts.text, keys);
    const auto padding = static_cast<unsigned char>(plain.back());
    if (padding == 0 || padding > kBlock) throw damaged("the padding at its end is invalid");
    plain.resize(plain.size() - padding);
    return plain;
}

} // namespace hadeploy::vault
