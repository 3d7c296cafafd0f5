#pragma once

#include "core/error.h"
#include "providers/ssh/host_keys.h"

#include <string>

namespace hadeploy::ssh {

/// A file that is given as a private key, as far as it can be read without a passphrase.
struct KeyFile {
    enum class Kind {
        usable,
        locked,      ///< it has a passphrase
        public_half, ///< a public key, which OpenSSH takes for "that key of the agent"
        unusable,    ///< see check_private_key()
    };
    std::string path;
    Kind kind = Kind::unusable;
    PublicKey half;             ///< its public half, where that can be told; else empty
    bool rsa = false;           ///< see can_use_rsa()
    bool pkcs8_ed25519 = false; ///< a form that libssh2 loads and then signs wrongly with

    /// Does not throw: what can't be read is unusable.
    static KeyFile inspect(const std::string& path);
};

/// Refuses a private key that cannot work, before anything is contacted. One with a passphrase may
/// be in the agent, and passes.
/// @throws Error(failed) when it is missing, a public key, no key, readable by others, or an RSA
///         key that can't be used
KeyFile check_private_key(const std::string& path);

/// The error for a key whose passphrase would have to be known.
Error locked_key(const std::string& path);

} // namespace hadeploy::ssh
