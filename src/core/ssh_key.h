#pragma once

#include <string>
#include <string_view>

namespace hadeploy {

/// A key pair in the formats of OpenSSH's two key files (PROTOCOL.key of OpenSSH).
struct SshKey {
    std::string private_key; ///< "-----BEGIN OPENSSH PRIVATE KEY-----..."; without a passphrase
    std::string public_key;  ///< "ssh-ed25519 AAAA... comment", without a newline
};

/// Creates an ed25519 key. Replaces newlines in the comment by spaces.
/// @throws Error(failed) when OpenSSL cannot create a key
SshKey make_ssh_key(std::string_view comment);

/// The public key line (type, key, comment) for the text of an unencrypted OpenSSH private key
/// file. Includes the comment only for an ed25519 key.
/// @throws Error(failed) when the key has an unsupported format or a passphrase
std::string ssh_public_key(std::string_view private_key);

/// The fingerprint of a public key line as printed by `ssh-keygen -l`: "SHA256:...".
/// @throws Error(failed) when the text is not a public key line
std::string ssh_fingerprint(std::string_view public_key);

} // namespace hadeploy
