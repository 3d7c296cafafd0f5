#include "providers/ssh/key_file.h"

#include "core/error.h"
#include "core/file.h"
#include "core/hash.h"
#include "providers/ssh/connection.h"

#include <cerrno>
#include <cstdint>
#include <cstring>
#include <fmt/format.h>
#include <memory>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <sys/stat.h>

namespace hadeploy::ssh {

namespace {
/// Reads the length-prefixed strings of OpenSSH's private key format (PROTOCOL.key).
class KeyReader {
  public:
    explicit KeyReader(std::string_view bytes) : rest_(bytes) {}
    std::uint32_t number() {
        if (rest_.size() < 4) return rest_ = {}, 0;
        std::uint32_t n = 0;
        for (int i = 0; i < 4; ++i) n = n << 8 | static_cast<unsigned char>(rest_[std::size_t(i)]);
        rest_.remove_prefix(4);
        return n;
    }
    std::string_view string() {
        const std::uint32_t size = number();
        const std::string_view found = rest_.substr(0, size);
        rest_.remove_prefix(found.size());
        return found;
    }

  private:
    std::string_view rest_;
};

constexpr std::string_view kOpenSsh = "-----BEGIN OPENSSH PRIVATE KEY-----";

PublicKey key_of(std::string_view blob) {
    return {std::string(KeyReader(blob).string()), base64_encode(blob)};
}

void inspect_openssh(std::string_view text, KeyFile& file) {
    constexpr std::string_view magic{"openssh-key-v1\0", 15};
    text.remove_prefix(text.find(kOpenSsh) + kOpenSsh.size());
    const std::string bytes = base64_decode(text.substr(0, text.find("-----END")));
    if (!std::string_view(bytes).starts_with(magic)) return;
    KeyReader fields(std::string_view(bytes).substr(magic.size()));
    const std::string_view cipher = fields.string();
    fields.string(); // key derivation
    fields.string(); // and its options
    fields.number(); // number of keys
    file.half = key_of(fields.string());
    file.rsa = file.half.type == "ssh-rsa";
    file.kind = cipher == "none" ? KeyFile::Kind::usable : KeyFile::Kind::locked;
}

void inspect_pem(std::string_view text, KeyFile& file) {
    file.rsa = text.find("BEGIN RSA PRIVATE KEY") != std::string_view::npos;
    if (text.find("ENCRYPTED") != std::string_view::npos) {
        file.kind = KeyFile::Kind::locked;
        return;
    }
    const std::unique_ptr<BIO, decltype(&BIO_free)> bio(
        BIO_new_mem_buf(text.data(), static_cast<int>(text.size())), &BIO_free);
    const std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> key(
        PEM_read_bio_PrivateKey(bio.get(), nullptr, nullptr, nullptr), &EVP_PKEY_free);
    if (!key) return;
    file.kind = KeyFile::Kind::usable;
    file.rsa = EVP_PKEY_base_id(key.get()) == EVP_PKEY_RSA;
    file.pkcs8_ed25519 = EVP_PKEY_base_id(key.get()) == EVP_PKEY_ED25519;
}

/// The public key of a PEM file is in FILE.pub, if anywhere.
void add_half(KeyFile& file) {
    if (!file.half.type.empty()) return;
    try {
        file.half = parse_public_key(read_file(file.path + ".pub"));
    } catch (const Error&) { // no such file
    }
}

bool is_public_key(std::string_view text) {
    return text.starts_with("ssh-") || text.starts_with("ecdsa-") || text.starts_with("sk-");
}
} // namespace

KeyFile KeyFile::inspect(const std::string& path) {
    KeyFile file;
    file.path = path;
    try {
        const std::string text = read_file(path);
        if (is_public_key(text)) {
            file.half = parse_public_key(text);
            file.kind = Kind::public_half;
        } else if (text.find(kOpenSsh) != std::string::npos) {
            inspect_openssh(text, file);
        } else if (text.find("PRIVATE KEY") != std::string::npos) {
            inspect_pem(text, file);
            add_half(file);
        }
    } catch (const Error&) {
        file.kind = Kind::unusable;
    }
    return file;
}

Error locked_key(const std::string& path) {
    return Error(ErrorKind::failed, fmt::format("{} is protected by a passphrase", path))
        .with_hint(fmt::format("load it into the SSH agent: `ssh-add {}`", path));
}

KeyFile check_private_key(const std::string& path) {
    struct stat info {};
    if (::stat(path.c_str(), &info) != 0)
        throw Error(ErrorKind::failed, fmt::format("the private key {} cannot be read: {}", path,
                                                   std::strerror(errno)))
            .with_hint("`private_key_file` is relative to the directory of the spec or module "
                       "that sets it; to create a key, run `ssh-keygen -t ed25519 -f FILE`");
    const std::string text = read_file(path);
    const KeyFile file = KeyFile::inspect(path);
    if (file.kind == KeyFile::Kind::public_half) {
        const std::string private_half =
            path.ends_with(".pub") ? path.substr(0, path.size() - 4) : "the file without .pub";
        throw Error(ErrorKind::failed, fmt::format("{} is a public key, not a private one", path))
            .with_hint(fmt::format("set `private_key_file` to the private key, {}; for a key that "
                                   "is only in the SSH agent, set `public_key`",
                                   private_half));
    }
    if (text.find("PRIVATE KEY") == std::string::npos) {
        Error error(ErrorKind::failed, fmt::format("{} is not a private key", path));
        error.with_hint("name a file that `ssh-keygen` wrote, the one without .pub");
        if (text.starts_with("PuTTY-User-Key-File"))
            error.with_hint(fmt::format(
                "it is a PuTTY key: convert it with `puttygen {} -O private-openssh -o KEY`",
                path));
        throw error;
    }
    if ((info.st_mode & 077) != 0)
        throw Error(ErrorKind::failed,
                    fmt::format("the private key {} is accessible to other users (mode {:04o})",
                                path, info.st_mode & 07777))
            .with_hint(fmt::format("chmod 600 {}", path));
    if (file.kind == KeyFile::Kind::unusable)
        throw Error(ErrorKind::failed, fmt::format("{} is not a valid private key", path));
    if (file.rsa && !can_use_rsa())
        throw Error(ErrorKind::failed,
                    fmt::format("{} is an RSA key, which is not supported", path))
            .with_hint(
                rsa_hint("create an ed25519 key with `ssh-keygen -t ed25519` (or an ssh.key "
                         "resource), and add its public key to the authorized_keys of the user"));
    return file;
}

} // namespace hadeploy::ssh
