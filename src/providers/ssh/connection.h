#pragma once

#include "core/value.h"
#include "providers/ssh/host_keys.h"
#include "providers/ssh/ssh_config.h"

#include <filesystem>
#include <string>
#include <vector>

namespace hadeploy::ssh {

/// Whose `~/.ssh` counts.
struct LocalUser {
    std::string name, home;
    /// Who runs this process; the home is $HOME, where that is set.
    static LocalUser current();
};

/// How to log in to an ssh.host, all that is written somewhere put together.
struct Resolved {
    Value connection; ///< see connection_fields(); without `host_key` where none is known
    HostKeys known;   ///< of the host: as written, or as known_hosts has it
    std::vector<std::string> names; ///< under which a host key may be known
    std::string place;              ///< what tells the host from others: see place_of()
};

/// Completes what a spec says of an ssh.host. What it does not say comes from OpenSSH's
/// configuration (`config_file`, or ~/.ssh/config and /etc/ssh/ssh_config), and the host key from
/// known_hosts; what that does not say either is as ever: port 22, user root. This is the one place
/// where the settings of a connection are decided.
/// @param config  of the type; `address`, `port` and `user` are known
/// @throws Error(spec) for a file that can't be read or used
Resolved resolve_connection(const Value& config, const LocalUser& local);

/// "[::1]" -> "::1"; anything else as it is.
std::string without_brackets(const std::string& address);

/// Whether a login can use RSA keys: since 1.11 libssh2 signs with SHA-2, without which servers
/// have refused them since 2021.
bool can_use_rsa();
/// What to say of an RSA key where it can't: the reason and the ways out of it.
std::string rsa_hint(std::string_view way_out);

} // namespace hadeploy::ssh
