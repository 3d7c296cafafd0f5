#pragma once

#include "core/file.h"
#include "providers/ssh/login.h"

#include <stop_token>

namespace hadeploy::ssh {

/// Connects to the address of the login by TCP. If it is a name with several IP addresses, the
/// first that responds is used; after 250 ms the next one is tried in parallel (RFC 8305).
/// @throws Error(unreachable) with the cause; transient unless the name does not exist
/// @throws Interrupted if `stop` is requested
Fd connect_to(const Login& login, std::stop_token stop);

} // namespace hadeploy::ssh
