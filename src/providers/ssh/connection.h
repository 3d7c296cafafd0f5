#pragma once

#include "core/value.h"
#include "providers/ssh/host_keys.h"
#include "providers/ssh/ssh_config.h"

#include <filesystem>
#include <string>
#include <vector>

namespace hadeploy::ssh {

/// The user whose `~/.ssh` is used.
struct LocalUser {
    std::string name, home;
    /// The user who runs this process; `home` is $HOME if set.
    static LocalUser current();
};

/// How to log in to an ssh.host, combined from all sources.
struct Resolved {
    Value connection; ///< see connection_fields(); without `host_key` if none is known
    HostKeys known;   ///< host keys, from the spec or from known_hosts
    std::vector<std::string> names; ///< names under which a host key may be known
    std::string place;              ///< identifies the host: see place_of()
};

/// Completes the config of an ssh.host. Settings that the spec omits come from the OpenSSH
/// configuration (`config_file`, or ~/.ssh/config and /etc/ssh/ssh_config), and the host key from
/// known_hosts. Defaults: port 22, user root. All settings of a connection are decided here.
/// @param config  config of the type; `address`, `port` and `user` are known
/// @throws Error(spec) for a file that cannot be read or used
Resolved resolve_connection(const Value& config, const LocalUser& local);

/// "[::1]" -> "::1"; other strings are returned unchanged.
std::string without_brackets(const std::string& address);

/// Whether RSA keys can be used: libssh2 signs with SHA-2 only since 1.11, and servers have
/// rejected SHA-1 signatures since 2021 (OpenSSH 8.8).
bool can_use_rsa();
/// The hint for an RSA key that cannot be used: the reason and a solution.
std::string rsa_hint(std::string_view way_out);

} // namespace hadeploy::ssh
