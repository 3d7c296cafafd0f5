#pragma once

#include "core/error.h"

#include <optional>
#include <string_view>

namespace hadeploy::ssh {

/// Why a text is not a public key in the form of authorized_keys, and what to write instead; none
/// when it is one. Options in front and a comment behind belong to it.
/// @param fingerprint  "SHA256:..." may stand for the key
std::optional<Error> wrong_public_key(std::string_view text, bool fingerprint, Loc loc);

} // namespace hadeploy::ssh
