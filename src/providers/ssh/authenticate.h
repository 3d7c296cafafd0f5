#pragma once

#include "providers/ssh/login.h"

#include <libssh2.h>
#include <stop_token>
#include <string>
#include <vector>

namespace hadeploy::ssh {

/// Authenticates on a session whose host key is verified, with the private key file or the key of
/// the agent that the login names. If it names neither, all keys of the agent are tried, and then
/// the keys in files.
/// @throws Error(unreachable) with the server's response to each key; Interrupted
void authenticate(LIBSSH2_SESSION* session, const Login& login, const std::stop_token& stop);

/// The private key files that are tried if the login names no key; not all of them exist.
std::vector<std::string> candidates(const Login& login);

} // namespace hadeploy::ssh
