#pragma once

#include <filesystem>
#include <string>

namespace hadeploy::cli {

/// Reads a password from a file that only the user can read, or runs an executable file and reads
/// its output, as Ansible does for password managers.
/// @throws Error(failed)
std::string password_from_file(const std::filesystem::path& file);

/// Whether the file is executable, so that it is run and prints the password.
bool is_program(const std::filesystem::path& file);

/// Asks on the terminal without echo; `twice` for a new password.
/// @param otherwise  the hint if there is no terminal: how else to supply the password
/// @throws Error(usage) if there is no terminal, or the two inputs differ; Interrupted
std::string ask_password(const std::string& prompt, bool twice,
                         const std::string& otherwise = "give --vault-password-file FILE, or set "
                                                        "HADEPLOY_VAULT_PASSWORD");

/// The password of the vault files: from `file` if given, otherwise from the environment
/// (HADEPLOY_VAULT_PASSWORD, or the file named by ANSIBLE_VAULT_PASSWORD_FILE), otherwise a prompt.
/// @throws Error, Interrupted
std::string vault_password(const std::filesystem::path& file, bool is_new = false);

} // namespace hadeploy::cli
