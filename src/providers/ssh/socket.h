#pragma once

#include "core/file.h"
#include "providers/ssh/login.h"

#include <stop_token>

namespace hadeploy::ssh {

/// A TCP connection to the login's address: of several the one that answers first, each with a head
/// start of 250 ms before the next one is tried beside it (RFC 8305).
/// @throws Error(unreachable) with the cause; transient unless the name does not exist
/// @throws Interrupted when `stop` is requested
Fd connect_to(const Login& login, std::stop_token stop);

} // namespace hadeploy::ssh
