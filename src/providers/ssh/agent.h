#pragma once

#include "providers/ssh/host_keys.h"

#include <libssh2.h>
#include <memory>
#include <stop_token>
#include <string>
#include <vector>

namespace hadeploy::ssh {

/// A key in the SSH agent.
struct AgentKey {
    libssh2_agent_publickey* identity; ///< belongs to Agent::handle
    PublicKey half;
    std::string comment;
};

/// A connection to an SSH agent. It must end before its session.
struct Agent {
    struct Closer {
        void operator()(LIBSSH2_AGENT* agent) const {
            libssh2_agent_disconnect(agent);
            libssh2_agent_free(agent);
        }
    };
    std::unique_ptr<LIBSSH2_AGENT, Closer> handle = {}; ///< null: no agent answers
    std::vector<AgentKey> keys = {};

    /// A missing or unresponsive agent counts as an agent without keys.
    /// @param socket  see Login::agent
    /// @throws Interrupted
    static Agent open(LIBSSH2_SESSION* session, const std::string& socket,
                      const std::stop_token& stop);
};

} // namespace hadeploy::ssh
