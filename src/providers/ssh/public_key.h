#pragma once

#include "core/error.h"

#include <optional>
#include <string_view>

namespace hadeploy::ssh {

/// The error if a string is not a public key in the format of authorized_keys, with a hint on the
/// expected form; nullopt if the string is one. Options before and a comment after the key are
/// allowed.
/// @param fingerprint  whether "SHA256:..." is accepted too
std::optional<Error> wrong_public_key(std::string_view text, bool fingerprint, Loc loc);

} // namespace hadeploy::ssh
