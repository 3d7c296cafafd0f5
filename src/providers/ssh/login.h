#pragma once

#include "core/value.h"
#include "providers/ssh/host_keys.h"

#include <chrono>
#include <memory>
#include <string>
#include <vector>

namespace hadeploy::ssh {

/// All that it takes to log in to a host.
struct Login {
    std::string address; ///< an IP address, or a name to resolve
    int port = 22;
    std::string user;
    std::string private_key_file;            ///< "": see authenticate()
    std::string public_key;                  ///< of a key of the agent: a line, or "SHA256:..."
    std::vector<std::string> identity_files; ///< to try instead of those in ~/.ssh
    std::string address_family;              ///< "inet", "inet6"; "": either
    bool identities_only = false;            ///< no key of the agent but these
    std::string agent; ///< its socket, "$VARIABLE", or "none"; "": as the environment says
    std::string become_password; ///< what sudo asks the user for; "": it asks for nothing
    std::string host_key;        ///< see parse_host_keys()
    bool trust_on_first_use =
        false; ///< a host_key without accepted keys takes any but revoked ones
    /// How long a host may take to let us in; a refused connection is tried again until then.
    std::chrono::milliseconds timeout{10'000};
    /// A host that says nothing for so long, though asked, is taken for gone. Some seconds at
    /// least.
    std::chrono::milliseconds silence{30'000};

    std::shared_ptr<const Login> jump = {}; ///< the host to go through
    bool hidden = false;                    ///< its address, port or user is secret

    /// For messages: "root@10.77.0.11:22".
    [[nodiscard]] std::string name() const;
    /// For messages: one of its fields, unless some of them are secret.
    [[nodiscard]] std::string redacted(const std::string& field) const {
        return hidden ? "(secret)" : field;
    }
    /// What tells this login from others: where it leads, and over which hosts.
    [[nodiscard]] std::string route() const;
};

/// From a `connection`, with the provider's settings beside it where the caller put them.
Login login_from(const Value& connection);

} // namespace hadeploy::ssh
