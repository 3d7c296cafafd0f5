#pragma once

#include "core/file.h"
#include "providers/ssh/login.h"

#include <libssh2.h>
#include <memory>
#include <thread>

namespace hadeploy::ssh {

class Session;

/// A TCP connection through a jump host (direct-tcpip, RFC 4254). A thread relays data between a
/// local socket and a channel of the session to the jump host. Nothing else uses this session.
class Tunnel {
  public:
    /// @param hop      the session to the jump host, kept as long as the tunnel
    /// @param session  the libssh2 session of the hop
    /// @param socket   the socket of the hop
    /// @param to       the target that the hop connects to, within its timeout
    /// @throws Error(unreachable), transient: the hop may be able to connect a moment later
    Tunnel(std::unique_ptr<Session> hop, LIBSSH2_SESSION* session, int socket, const Login& to);
    ~Tunnel();
    Tunnel(const Tunnel&) = delete;
    Tunnel& operator=(const Tunnel&) = delete;

    /// The local end of the tunnel. Can be taken once.
    Fd take_end() { return std::move(ours_); }
    /// Aborts the connection to the hop. Nothing more arrives at the host behind it.
    void cut();

  private:
    class Relay;
    struct ChannelCloser {
        void operator()(LIBSSH2_CHANNEL* c) const { libssh2_channel_free(c); }
    };
    std::unique_ptr<Session> hop_;
    LIBSSH2_SESSION* session_;
    int socket_;
    std::unique_ptr<LIBSSH2_CHANNEL, ChannelCloser> channel_;
    Fd ours_, theirs_;
    std::jthread relay_;
};

} // namespace hadeploy::ssh
