#include "providers/ssh/authenticate.h"

#include "core/error.h"
#include "core/file.h"
#include "core/hash.h"
#include "core/secrecy.h"
#include "provider_api/prerequisites.h"
#include "providers/ssh/agent.h"
#include "providers/ssh/connection.h"
#include "providers/ssh/key_file.h"

#include <algorithm>
#include <cstdlib>
#include <fmt/format.h>
#include <memory>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <vector>

namespace hadeploy::ssh {

namespace {
using PrivateKey = std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)>;

class Authentication {
  public:
    Authentication(LIBSSH2_SESSION* session, const Login& login, const std::stop_token& stop)
        : session_(session), login_(login), stop_(stop) {}
    void run();

  private:
    /// Connects to the agent once.
    void open_agent() {
        if (!agent_.handle) agent_ = Agent::open(session_, login_.agent, stop_);
    }
    bool with_file();
    bool with_named_key();
    bool with_any();
    bool with_agent_keys(const std::vector<KeyFile>& files);
    bool offer(const KeyFile& file);
    bool offer(const AgentKey& key);
    bool offer_pkcs8(const KeyFile& file);
    bool answered(const std::string& name, int rc);
    [[nodiscard]] std::string last_error() const;
    [[nodiscard]] Error refused();
    [[nodiscard]] Error half_way(const std::string& methods) const;
    [[nodiscard]] Error nothing_to_offer() const;
    [[nodiscard]] Error hung_up() const;

    LIBSSH2_SESSION* session_;
    const Login& login_;
    const std::stop_token& stop_;
    Agent agent_;
    std::vector<std::string> offered_;  ///< names of the keys that the server was offered
    std::vector<std::string> accepted_; ///< accepted with a signature, but not sufficient
    std::vector<std::string> left_out_; ///< unusable keys, with the reason
    std::string broken_;                ///< the last local failure
};

std::string Authentication::last_error() const {
    char* text = nullptr;
    libssh2_session_last_error(session_, &text, nullptr, 0);
    return text && *text ? text : "no reason given";
}

/// Evaluates the result for one key. If the server requires several, the next key follows.
bool Authentication::answered(const std::string& name, int rc) {
    if (rc == 0) return true;
    switch (rc) {
    case LIBSSH2_ERROR_AUTHENTICATION_FAILED: offered_.push_back(name); break;
    case LIBSSH2_ERROR_PUBLICKEY_UNVERIFIED:
        // libssh2 uses one code for two cases, which differ only in the error text.
        if (last_error().starts_with("Waiting")) throw hung_up();
        // The server knows the key, otherwise it would not have asked for the signature.
        offered_.push_back(name);
        accepted_.push_back(name);
        break;
    case LIBSSH2_ERROR_SOCKET_DISCONNECT:
    case LIBSSH2_ERROR_SOCKET_RECV:
    case LIBSSH2_ERROR_SOCKET_SEND:
    case LIBSSH2_ERROR_TIMEOUT: throw hung_up();
    default: broken_ = fmt::format("{}: {}", name, last_error());
    }
    return false;
}

bool Authentication::offer(const AgentKey& key) {
    if (key.half.type == "ssh-rsa" && !can_use_rsa()) {
        left_out_.push_back(fmt::format("{} (an RSA key)", key.comment));
        return false;
    }
    return answered(key.comment,
                    libssh2_agent_userauth(agent_.handle.get(), login_.user.c_str(), key.identity));
}

bool Authentication::offer(const KeyFile& file) {
    if (file.pkcs8_ed25519) return offer_pkcs8(file);
    return answered(
        file.path, libssh2_userauth_publickey_fromfile_ex(session_, login_.user.data(),
                                                          static_cast<unsigned>(login_.user.size()),
                                                          nullptr, file.path.c_str(), nullptr));
}

/// Signs data for libssh2. `abstract` is the EVP_PKEY.
int sign_ed25519(LIBSSH2_SESSION*, unsigned char** signature, std::size_t* size,
                 const unsigned char* data, std::size_t data_size, void** abstract) {
    constexpr std::size_t length = 64;
    const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context(EVP_MD_CTX_new(),
                                                                          &EVP_MD_CTX_free);
    *size = length;
    *signature = static_cast<unsigned char*>(std::malloc(length)); // libssh2 frees it
    const bool done = *signature && context &&
                      EVP_DigestSignInit(context.get(), nullptr, nullptr, nullptr,
                                         static_cast<EVP_PKEY*>(*abstract)) == 1 &&
                      EVP_DigestSign(context.get(), *signature, size, data, data_size) == 1;
    return done ? 0 : -1;
}

bool Authentication::offer_pkcs8(const KeyFile& file) {
    const std::string text = read_file(file.path);
    const std::unique_ptr<BIO, decltype(&BIO_free)> bio(
        BIO_new_mem_buf(text.data(), static_cast<int>(text.size())), &BIO_free);
    const PrivateKey key(PEM_read_bio_PrivateKey(bio.get(), nullptr, nullptr, nullptr),
                         &EVP_PKEY_free);
    std::size_t size = 32;
    std::string raw(size, '\0');
    if (!key || EVP_PKEY_get_raw_public_key(key.get(), reinterpret_cast<unsigned char*>(raw.data()),
                                            &size) != 1)
        throw Error(ErrorKind::failed, fmt::format("{} is not a valid private key", file.path));
    // "ssh-ed25519" and the key, each with a length prefix (RFC 8709)
    const std::string blob = std::string("\0\0\0\x0bssh-ed25519\0\0\0\x20", 19) + raw;
    void* abstract = key.get();
    return answered(file.path,
                    libssh2_userauth_publickey(session_, login_.user.c_str(),
                                               reinterpret_cast<const unsigned char*>(blob.data()),
                                               blob.size(), &sign_ed25519, &abstract));
}

/// Looks in the agent for a key that has a passphrase.
bool Authentication::with_file() {
    const KeyFile file = check_private_key(login_.private_key_file);
    if (file.kind == KeyFile::Kind::usable) return offer(file);
    open_agent();
    for (const AgentKey& key : agent_.keys)
        if (key.half == file.half) return offer(key);
    throw locked_key(file.path);
}

bool Authentication::with_named_key() {
    open_agent();
    const bool by_print = login_.public_key.starts_with("SHA256:");
    const std::string print =
        by_print ? login_.public_key : fingerprint(parse_public_key(login_.public_key));
    for (const AgentKey& key : agent_.keys)
        if (fingerprint(key.half) == print) return offer(key);
    Error error(ErrorKind::unreachable,
                agent_.handle
                    ? fmt::format("the SSH agent does not have the key {} of `public_key`", print)
                    : "no SSH agent answers, and `public_key` names one of its keys");
    for (const AgentKey& key : agent_.keys)
        error.with_note(fmt::format("it has {} {}", fingerprint(key.half), key.comment));
    throw std::move(error).with_hint("`ssh-add KEY` loads it, `ssh-add -l` lists the loaded keys");
}

} // namespace

std::vector<std::string> candidates(const Login& login) {
    if (!login.identity_files.empty()) return login.identity_files;
    std::vector<std::string> out;
    const std::string home = LocalUser::current().home;
    for (const char* name : {"id_ed25519", "id_ecdsa", "id_rsa"})
        out.push_back(fmt::format("{}/.ssh/{}", home, name));
    return out;
}

namespace {

/// As OpenSSH: first the agent keys that are also named as files, then the other agent keys.
bool Authentication::with_agent_keys(const std::vector<KeyFile>& files) {
    open_agent();
    const auto is_named = [&](const AgentKey& key) {
        return std::any_of(files.begin(), files.end(),
                           [&](const KeyFile& file) { return file.half == key.half; });
    };
    std::stable_partition(agent_.keys.begin(), agent_.keys.end(), is_named);
    for (const AgentKey& key : agent_.keys) {
        if (login_.identities_only && !is_named(key)) continue;
        if (offer(key)) return true;
    }
    return false;
}

bool Authentication::with_any() {
    std::vector<KeyFile> files;
    for (const std::string& path : candidates(login_)) files.push_back(KeyFile::inspect(path));
    if (with_agent_keys(files)) return true;
    for (const KeyFile& file : files) {
        const bool in_agent =
            std::any_of(agent_.keys.begin(), agent_.keys.end(),
                        [&](const AgentKey& key) { return key.half == file.half; });
        if (in_agent || file.kind == KeyFile::Kind::unusable ||
            file.kind == KeyFile::Kind::public_half)
            continue;
        if (file.kind == KeyFile::Kind::locked)
            left_out_.push_back(fmt::format("{} (it has a passphrase)", file.path));
        else if (file.rsa && !can_use_rsa())
            left_out_.push_back(fmt::format("{} (an RSA key)", file.path));
        else if (offer(file))
            return true;
    }
    return false;
}

Error Authentication::hung_up() const {
    const std::size_t count = offered_.size() + 1;
    Error error(ErrorKind::unreachable,
                offered_.empty() ? fmt::format("{} closed the connection during login: {}",
                                               login_.name(), last_error())
                                 : fmt::format("{} closed the connection after {} keys: the "
                                               "server allows no more attempts (MaxAuthTries)",
                                               login_.name(), count));
    if (offered_.empty()) {
        error.transient = true;
        return error;
    }
    error.with_note(fmt::format("tried: {}", fmt::join(offered_, ", ")));
    return std::move(error).with_hint(
        "choose the key: `private_key_file`, `public_key` for a key in the SSH agent, or "
        "IdentityFile with IdentitiesOnly in ~/.ssh/config");
}

Error Authentication::nothing_to_offer() const {
    Error error(
        ErrorKind::unreachable,
        fmt::format(
            "there is no key to log in to {}: no `private_key_file`, {}, and no usable key in {}",
            login_.name(), agent_.handle ? "no key in the SSH agent" : "no SSH agent",
            login_.identity_files.empty() ? "~/.ssh" : "IdentityFile"));
    for (const std::string& key : left_out_) error.with_note("skipped: " + key);
    return std::move(error).with_hint(fmt::format(
        "set `private_key_file`, or start an agent and add the key with `ssh-add`{}", kSeeDoctor));
}

/// The error if a key was accepted with a signature, but the login is not complete.
Error Authentication::half_way(const std::string& methods) const {
    Error error(ErrorKind::unreachable,
                fmt::format("{} accepts the key {}, but requires more to log in", login_.name(),
                            fmt::join(accepted_, ", ")));
    if (methods.find("publickey") == std::string::npos && !methods.empty())
        return std::move(error).with_hint(fmt::format(
            "it also requires {}, which hadeploy does not support. To let this user log in with "
            "only a key, add to the host's sshd_config: `Match User {}`, and below it "
            "`AuthenticationMethods publickey`",
            methods, login_.redacted(login_.user)));
    return std::move(error).with_hint(
        "if AuthenticationMethods in the host's sshd_config requires a second key, load that key "
        "into the SSH agent; or the account is locked or expired on the host (`chage -l`)");
}

Error Authentication::refused() {
    if (!accepted_.empty()) {
        const char* methods = libssh2_userauth_list(session_, login_.user.c_str(),
                                                    static_cast<unsigned>(login_.user.size()));
        return half_way(methods ? methods : "");
    }
    if (offered_.empty() && broken_.empty()) return nothing_to_offer();
    if (offered_.empty())
        return {ErrorKind::unreachable,
                fmt::format("logging in to {} failed: {}", login_.name(), broken_)};
    Error error(ErrorKind::unreachable,
                offered_.size() == 1
                    ? fmt::format("{} does not accept the key {}", login_.name(), offered_[0])
                    : fmt::format("{} accepts none of {} keys: {}", login_.name(), offered_.size(),
                                  fmt::join(offered_, ", ")));
    for (const std::string& key : left_out_) error.with_note("skipped: " + key);
    return std::move(error).with_hint(
        fmt::format("add the public key to ~{}/.ssh/authorized_keys on the host, or set "
                    "`private_key_file` to the right key",
                    login_.redacted(login_.user)));
}

void Authentication::run() {
    bool in = !login_.private_key_file.empty() ? with_file()
              : !login_.public_key.empty()     ? with_named_key()
                                               : with_any();
    // A second key that the server requires can only come from the agent.
    if (!in && !accepted_.empty() && !agent_.handle) in = with_agent_keys({});
    if (!in) throw refused();
}
} // namespace

void authenticate(LIBSSH2_SESSION* session, const Login& login, const std::stop_token& stop) {
    Authentication(session, login, stop).run();
}

} // namespace hadeploy::ssh
