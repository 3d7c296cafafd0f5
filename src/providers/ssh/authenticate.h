#pragma once

#include "providers/ssh/login.h"

#include <libssh2.h>
#include <stop_token>

namespace hadeploy::ssh {

/// Authenticates on a session whose host key is verified, with the keys that the login names: its
/// private key file, one key of the agent, or else all keys of the agent and then those in files.
/// @throws Error(unreachable) with the server's response to each key; Interrupted
void authenticate(LIBSSH2_SESSION* session, const Login& login, const std::stop_token& stop);

} // namespace hadeploy::ssh
