#pragma once

#include "core/value.h"
#include "providers/ssh/host_keys.h"

#include <chrono>
#include <memory>
#include <string>
#include <vector>

namespace hadeploy::ssh {

/// Everything needed to log in to a host.
struct Login {
    std::string address; ///< an IP address, or a host name to resolve
    int port = 22;
    std::string user;
    std::string private_key_file; ///< "": see authenticate()
    std::string public_key;       ///< selects a key of the agent: a line, or "SHA256:..."
    std::vector<std::string> identity_files; ///< tried instead of those in ~/.ssh
    std::string address_family;              ///< "inet", "inet6"; "": any
    bool identities_only = false;            ///< use no other keys of the agent
    std::string agent;           ///< its socket, "$VARIABLE", or "none"; "": from the environment
    std::string become_password; ///< the sudo password; "": sudo needs none
    std::string host_key;        ///< see parse_host_keys()
    bool trust_on_first_use = false; ///< if host_key accepts no key, accept any that is not revoked
    std::string first_key; ///< the key that was accepted on first use, which is required since then
    /// Time limit of a connection attempt; a refused connection is retried until then.
    std::chrono::milliseconds timeout{10'000};
    /// A host that does not answer keepalives for this long counts as lost. At least some seconds.
    std::chrono::milliseconds silence{30'000};

    std::shared_ptr<const Login> jump = {}; ///< the jump host
    bool hidden = false;                    ///< address, port or user is secret

    /// For messages: "root@10.77.0.11:22".
    [[nodiscard]] std::string name() const;
    /// For messages: a field, or "(secret)" if the login is hidden.
    [[nodiscard]] std::string redacted(const std::string& field) const {
        return hidden ? "(secret)" : field;
    }
    /// Identifies the login: its target and the jump hosts.
    [[nodiscard]] std::string route() const;
};

/// From a `connection`, to which the caller has added settings of the provider.
Login login_from(const Value& connection);

} // namespace hadeploy::ssh
