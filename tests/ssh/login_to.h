#pragma once

#include "providers/ssh/login.h"
#include "ssh/server.h"

#include <chrono>
#include <string>

namespace hadeploy::test {

/// A login that the server accepts.
inline ssh::Login login_to(const SshServer& server, const std::string& address = "127.0.0.1") {
    ssh::Login login = ssh::login_from(server.connection(address));
    login.timeout = std::chrono::seconds(5);
    return login;
}

} // namespace hadeploy::test
