#pragma once

#include "planner/spec/spec.h"

namespace hadeploy::cli {

/// The content of the files under the spec's `secrets:`, by name. Every value is secret. Its
/// location is the place where the spec names the file, because the texts of the files are not
/// kept. Therefore no error and no saved plan can show them.
/// @param password_file  see vault_password(); no password is needed if the spec has no such files
/// @throws Error at the place of the file's name: missing, not encrypted, wrong password, not a
///         YAML map
Value read_secrets(const Spec& spec, const std::filesystem::path& password_file);

/// Every file as an unknown value, for commands that only read the state and need no password.
Value unread_secrets(const Spec& spec);

} // namespace hadeploy::cli
