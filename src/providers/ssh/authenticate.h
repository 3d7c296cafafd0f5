#pragma once

#include "providers/ssh/login.h"

#include <libssh2.h>

namespace hadeploy::ssh {

/// Logs in over a session whose host key is verified, with the keys that the login names: its
/// private key, one key of the agent, or else all that the agent has and then those in files.
/// @throws Error(unreachable) with what the server made of which keys
void authenticate(LIBSSH2_SESSION* session, const Login& login);

} // namespace hadeploy::ssh
