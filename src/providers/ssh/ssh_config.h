#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace hadeploy::ssh {

/// One file of OpenSSH's client configuration.
struct ConfigFile {
    std::string path; ///< for messages
    std::string text;
};
/// The files that a pattern of `Include` names, in their order. It may begin with ~.
using Include = std::function<std::vector<ConfigFile>(const std::string& pattern)>;

/// What asks for the settings of a host.
struct ConfigQuery {
    std::string host;         ///< as somebody would give it to `ssh`: an alias, a name, an address
    std::string user;         ///< who logs in there, where that is given; for `Match user`
    std::string default_user; ///< who logs in where nothing says otherwise
    std::string local_user;   ///< for `Match localuser` and %u
    std::string home;         ///< for ~ and %d
};

/// What OpenSSH's configuration says of one host (ssh_config(5)). Empty: nothing.
struct HostConfig {
    std::string host_name, user, proxy_jump, host_key_alias, identity_agent;
    std::optional<int> port;
    std::optional<bool> identities_only, public_key_authentication;
    std::string address_family;              ///< "inet", "inet6", "any"
    std::string host_key_algorithms;         ///< see order_host_keys()
    std::vector<std::string> identity_files; ///< in their order; of all entries that match
    std::vector<std::string> user_known_hosts, global_known_hosts;
};

/// Reads configurations, the first file first; of each setting the first value counts. Understood
/// are `Host` with patterns and negations, `Include`, `Match` by host, originalhost, user,
/// localuser and all, and the settings that are in HostConfig. Settings that do not matter to a
/// client like this one (of terminals, forwardings, multiplexing, ciphers) are left out, and so are
/// those that no OpenSSH of today knows, unless one looks like a mistyped setting of HostConfig.
/// Pure.
/// @throws Error(spec) with file and line, for what can't be read, and for a setting of this host
///         that matters and is not supported (ProxyCommand, Match exec, ...)
HostConfig read_ssh_config(const std::vector<ConfigFile>& files, const ConfigQuery& query,
                           const Include& include);

} // namespace hadeploy::ssh
