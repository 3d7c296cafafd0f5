#include "providers/ssh/login.h"

#include "core/error.h"
#include "core/file.h"
#include "core/hash.h"
#include "core/ssh_key.h"

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <fmt/format.h>
#include <sys/stat.h>

namespace hadeploy::ssh {

std::string Login::name() const {
    const bool v6 = address.find(':') != std::string::npos;
    return fmt::format("{}@{}{}{}:{}", user, v6 ? "[" : "", address, v6 ? "]" : "", port);
}

Login login_from(const Value& connection) {
    Login login;
    login.address = connection.text("address");
    login.port = static_cast<int>(connection.integer("port", 22));
    login.user = connection.text("user", "root");
    login.private_key_file = connection.text("private_key_file");
    login.host_key = connection.text("host_key");
    login.trust_on_first_use = connection.flag("trust_on_first_use");
    login.timeout =
        std::chrono::milliseconds(connection.integer("connect_timeout", login.timeout.count()));
    login.silence = std::max(login.silence, login.timeout);
    return login;
}

PublicKey parse_public_key(std::string_view line) {
    const auto word = [&line] {
        line.remove_prefix(std::min(line.size(), line.find_first_not_of(" \t\r\n")));
        const std::string_view found = line.substr(0, line.find_first_of(" \t\r\n"));
        line.remove_prefix(found.size());
        return std::string(found);
    };
    PublicKey key;
    key.type = word();
    key.base64 = word();
    return key;
}

std::string fingerprint(const PublicKey& key) {
    return ssh_fingerprint(key.type + ' ' + key.base64);
}

namespace {
/// Reads the length-prefixed strings of OpenSSH's private key format.
class Reader {
  public:
    explicit Reader(std::string_view bytes) : rest_(bytes) {}
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

Error rsa_key(const std::string& file) {
    return Error(ErrorKind::failed, fmt::format("{} is an RSA key, which cannot be used", file))
        .with_hint("make an ed25519 key with `ssh-keygen -t ed25519` (or use an ssh.key resource), "
                   "and put its public half into the user's authorized_keys");
}

Error passphrase(const std::string& file) {
    return Error(ErrorKind::failed, fmt::format("{} is protected by a passphrase", file))
        .with_hint(fmt::format("load it into the SSH agent with `ssh-add {}` and leave "
                               "private_key_file away",
                               file));
}

void check_openssh_key(const std::string& file, std::string_view text) {
    constexpr std::string_view begin = "-----BEGIN OPENSSH PRIVATE KEY-----";
    constexpr std::string_view magic{"openssh-key-v1\0", 15};
    text.remove_prefix(text.find(begin) + begin.size());
    text = text.substr(0, text.find("-----END"));
    std::string base64;
    for (const char c : text)
        if (c > ' ') base64 += c;
    const std::string bytes = base64_decode(base64);
    if (!std::string_view(bytes).starts_with(magic))
        throw Error(ErrorKind::failed, fmt::format("{} is not a valid private key", file));
    Reader fields(std::string_view(bytes).substr(magic.size()));
    const std::string_view cipher = fields.string();
    fields.string(); // key derivation
    fields.string(); // and its options
    fields.number(); // number of keys
    if (Reader(fields.string()).string() == "ssh-rsa") throw rsa_key(file);
    if (cipher != "none") throw passphrase(file);
}
} // namespace

void check_private_key(const std::string& file) {
    struct stat info {};
    if (::stat(file.c_str(), &info) != 0)
        throw Error(ErrorKind::failed, fmt::format("the private key {} cannot be read: {}", file,
                                                   std::strerror(errno)));
    if ((info.st_mode & 077) != 0)
        throw Error(ErrorKind::failed,
                    fmt::format("the private key {} is open to others (mode {:04o})", file,
                                info.st_mode & 07777))
            .with_hint(fmt::format("chmod 600 {}", file));
    const std::string text = read_file(file);
    if (text.find("BEGIN RSA PRIVATE KEY") != std::string::npos) throw rsa_key(file);
    if (text.find("BEGIN OPENSSH PRIVATE KEY") != std::string::npos)
        check_openssh_key(file, text);
    else if (text.find("ENCRYPTED") != std::string::npos)
        throw passphrase(file);
    else if (text.find("PRIVATE KEY") == std::string::npos)
        throw Error(ErrorKind::failed, fmt::format("{} is not a private key", file));
}

} // namespace hadeploy::ssh
