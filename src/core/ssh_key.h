#pragma once

#include <string>
#include <string_view>

namespace hadeploy {

/// A key pair as OpenSSH keeps it in two files.
struct SshKey {
    std::string private_key; ///< "-----BEGIN OPENSSH PRIVATE KEY-----..."; without a passphrase
    std::string public_key;  ///< "ssh-ed25519 AAAA... comment", no line end
};

/// A new ed25519 key. The comment is one line (a line end in it becomes a space).
/// @throws Error(failed) when OpenSSL cannot make one
SshKey make_ssh_key(std::string_view comment);

/// The public key line that belongs to an unencrypted OpenSSH private key file's text: type and
/// key, and the comment that the file holds.
/// @throws Error(failed) when it is another format or has a passphrase
std::string ssh_public_key(std::string_view private_key);

/// "SHA256:..." as ssh-keygen -l shows it, of a public key line.
/// @throws Error(failed) when it is none
std::string ssh_fingerprint(std::string_view public_key);

} // namespace hadeploy
