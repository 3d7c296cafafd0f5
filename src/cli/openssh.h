#pragma once

#include "core/value.h"

#include <filesystem>
#include <string>
#include <vector>

namespace hadeploy::cli {

/// A machine for OpenSSH's programs.
struct OpenSshMachine {
    std::string alias; ///< the name to pass to `ssh`, unique: letters, digits, `.`, `_` and `-`
    Value connection;  ///< see connection_fields()
};

/// An ssh_config(5) file with a `Host` section for each machine and for each jump host on the way
/// to it. It depends on nothing but `known_hosts`, so that `ssh -F` ignores the user's own
/// settings. A login fails if the machine presents a different host key.
std::string openssh_config(const std::vector<OpenSshMachine>& machines,
                           const std::filesystem::path& known_hosts);

/// The known_hosts file for openssh_config(), with the recorded host keys.
std::string openssh_known_hosts(const std::vector<OpenSshMachine>& machines);

} // namespace hadeploy::cli
