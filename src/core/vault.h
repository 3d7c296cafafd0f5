#pragma once

#include <string>
#include <string_view>

/// Ansible Vault files, as `ansible-vault` reads and writes them: a text that is encrypted with a
/// password. The format is that of Ansible's documentation, "Ansible Vault payload format 1.1 -
/// 1.2": a header line, then in hex the three parts (each in hex again, a line each)
///
///     salt          of PBKDF2-HMAC-SHA256, 10,000 rounds, which makes of the password 32 bytes of
///                   AES key, 32 bytes of HMAC key and 16 bytes of first counter
///     HMAC-SHA256   of the encrypted text
///     text          padded as by PKCS #7, then encrypted with AES-256-CTR
namespace hadeploy::vault {

/// Whether a text begins as a vault file does.
bool is_vault(std::string_view text);

/// The vault id of a file with a header 1.2; "" of one with a header 1.1, and of what is no vault.
std::string label(std::string_view vault);

/// A vault file that holds `plain`; with a label its header is 1.2, otherwise 1.1.
/// @throws Error(failed) when the password is empty
std::string encrypt(std::string_view plain, std::string_view password, std::string_view label = "");

/// What a vault file holds.
/// @throws Error(failed): not a vault file, of another version or cipher, damaged, or not encrypted
///         with this password
std::string decrypt(std::string_view vault, std::string_view password);

} // namespace hadeploy::vault
