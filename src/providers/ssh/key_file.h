#pragma once

#include "core/error.h"
#include "providers/ssh/host_keys.h"

#include <string>

namespace hadeploy::ssh {

/// The data of a private key file that can be read without a passphrase.
struct KeyFile {
    enum class Kind {
        usable,
        locked,      ///< it has a passphrase
        public_half, ///< a public key, which in OpenSSH selects a key of the agent
        unusable,    ///< see check_private_key()
    };
    std::string path;
    Kind kind = Kind::unusable;
    PublicKey half;             ///< its public key if known, else empty
    bool rsa = false;           ///< see can_use_rsa()
    bool pkcs8_ed25519 = false; ///< a format that libssh2 loads but signs wrongly with

    /// Does not throw: an unreadable file is `unusable`.
    static KeyFile inspect(const std::string& path);
};

/// Rejects a private key that cannot work, before any connection. A key with a passphrase is
/// accepted, because it may be in the agent.
/// @throws Error(failed) if it is missing, a public key, not a key, readable by others, or an RSA
/// key that cannot be used
KeyFile check_private_key(const std::string& path);

/// The error for a key that needs a passphrase.
Error locked_key(const std::string& path);

} // namespace hadeploy::ssh
