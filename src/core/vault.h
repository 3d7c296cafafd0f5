#pragma once

#include <string>
#include <string_view>

/// Ansible Vault files, as read and written by `ansible-vault`: text encrypted with a password. The
/// format is "Ansible Vault payload format 1.1 - 1.2" in Ansible's documentation: a header line,
/// then (encoded as hex) three lines, each of which is encoded as hex too:
///
///     salt          for PBKDF2-HMAC-SHA256 with 10,000 rounds, which derives 32 bytes of AES key,
///                   32 bytes of HMAC key and 16 bytes of initial counter from the password
///     HMAC-SHA256   of the encrypted text
///     text          padded by PKCS #7, then encrypted with AES-256-CTR
namespace hadeploy::vault {

/// Whether a text begins like a vault file.
bool is_vault(std::string_view text);

/// The vault id of a file in format 1.2; "" for format 1.1 or a text that is not a vault file.
std::string label(std::string_view vault);

/// Encrypts `plain` to a vault file, in format 1.2 with a label, otherwise in format 1.1.
/// @throws Error(failed) when the password is empty
std::string encrypt(std::string_view plain, std::string_view password, std::string_view label = "");

/// Decrypts a vault file.
/// @throws Error(failed) when the text is not a vault file, has an unsupported version or cipher,
///         is damaged, or was encrypted with a different password
std::string decrypt(std::string_view vault, std::string_view password);

} // namespace hadeploy::vault
