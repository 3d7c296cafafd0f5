#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace hadeploy::ssh {

/// A file of the OpenSSH client configuration.
struct ConfigFile {
    std::string path; ///< for messages
    std::string text;
};
/// Returns the files that match a pattern of `Include`, in order. The pattern may start with ~.
using Include = std::function<std::vector<ConfigFile>(const std::string& pattern)>;

/// The host whose settings are read, and the local user.
struct ConfigQuery {
    std::string host;         ///< as given to `ssh`: an alias, a name or an address
    std::string user;         ///< the given login user, or ""; for `Match user`
    std::string default_user; ///< the login user if nothing sets a different one
    std::string local_user;   ///< for `Match localuser` and %u
    std::string home;         ///< for ~ and %d
};

/// The settings of one host (ssh_config(5)). Empty: not set.
struct HostConfig {
    std::string host_name, user, proxy_jump, host_key_alias, identity_agent;
    std::optional<int> port;
    std::optional<bool> identities_only, public_key_authentication;
    std::string address_family;              ///< "inet", "inet6", "any"
    std::string host_key_algorithms;         ///< see order_host_keys()
    std::vector<std::string> identity_files; ///< those of all matching entries, in order
    std::vector<std::string> user_known_hosts, global_known_hosts;
};

/// Reads configuration files in order; the first value of a setting is used. Supports `Host` with
/// patterns and negations, `Include`, `Match` with host, originalhost, user, localuser and all, and
/// the settings in HostConfig. Settings that are irrelevant to this client (terminals, forwarding,
/// multiplexing, ciphers) are ignored. So are unknown settings, unless one looks like a mistyped
/// setting of HostConfig. Pure.
/// @throws Error(spec) with file and line for an unreadable line, and for an unsupported setting of
/// this host that matters (ProxyCommand, Match exec, ...)
HostConfig read_ssh_config(const std::vector<ConfigFile>& files, const ConfigQuery& query,
                           const Include& include);

} // namespace hadeploy::ssh
