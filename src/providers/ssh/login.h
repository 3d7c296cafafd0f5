#pragma once

#include "core/value.h"

#include <chrono>
#include <string>
#include <string_view>

namespace hadeploy::ssh {

/// All that it takes to log in to a host.
struct Login {
    std::string address; ///< an IP address, or a name to resolve
    int port = 22;
    std::string user;
    std::string private_key_file;    ///< "" means: ask the SSH agent
    std::string host_key;            ///< "ssh-ed25519 AAAA..."; what follows the key is ignored
    bool trust_on_first_use = false; ///< an empty host_key accepts any
    /// How long a host may take to let us in; a refused connection is tried again until then.
    std::chrono::milliseconds timeout{10'000};
    /// A host that says nothing for so long, though asked, is taken for gone. Some seconds at
    /// least.
    std::chrono::milliseconds silence{30'000};

    [[nodiscard]] std::string name() const; ///< "root@10.77.0.11:22"
};

/// From a `connection`, with the provider's settings beside it where the caller put them.
Login login_from(const Value& connection);

/// A public key as it travels: "ssh-ed25519" and the base64 of its bytes, without the comment.
struct PublicKey {
    std::string type, base64;
    friend bool operator==(const PublicKey&, const PublicKey&) = default;
};
PublicKey parse_public_key(std::string_view line);
/// The form that OpenSSH shows: "SHA256:...".
std::string fingerprint(const PublicKey& key);

/// Refuses a private key that cannot work, before anything is contacted.
/// @throws Error(failed) when it is missing, readable by others, an RSA key, or has a passphrase
void check_private_key(const std::string& file);

} // namespace hadeploy::ssh
