#pragma once

#include <filesystem>
#include <string>

namespace hadeploy::cli {

/// A password out of a file that nobody else may read; of an executable one, out of what it prints
/// (as Ansible has it: for password managers).
/// @throws Error(failed)
std::string password_from_file(const std::filesystem::path& file);

/// Asks on the terminal, without showing what is typed; `twice` for a new password.
/// @param otherwise  the hint where there is no terminal: how else it can be given
/// @throws Error(usage) where there is no terminal, or the two differ; Interrupted
std::string ask_password(const std::string& prompt, bool twice,
                         const std::string& otherwise = "give --vault-password-file FILE, or set "
                                                        "HADEPLOY_VAULT_PASSWORD");

/// The password of the vault files: out of `file` when one is given, else from the environment
/// (HADEPLOY_VAULT_PASSWORD, or the file that ANSIBLE_VAULT_PASSWORD_FILE names), else asked for.
/// @throws Error, Interrupted
std::string vault_password(const std::filesystem::path& file, bool is_new = false);

} // namespace hadeploy::cli
