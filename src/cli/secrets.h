#pragma once

#include "planner/spec/spec.h"

namespace hadeploy::cli {

/// What the files under the spec's `secrets:` hold, by name. Every value in it is secret, and has
/// the place where the spec names its file: the files' own texts are kept nowhere, so that no error
/// and no saved plan can show them.
/// @param password_file  see vault_password(); nobody is asked when the spec has no such files
/// @throws Error with the place of the file's name: not there, not encrypted, wrong password, not
///         a YAML map
Value read_secrets(const Spec& spec, const std::filesystem::path& password_file);

/// The same with every file unknown: for those who only look, and need no password.
Value unread_secrets(const Spec& spec);

} // namespace hadeploy::cli
