#include "providers/ssh/tunnel.h"

#include "core/error.h"
#include "providers/ssh/session.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

namespace hadeploy::ssh {

namespace {
constexpr std::size_t kRelayChunk = 32 * 1024;
} // namespace

/// Relays bytes in both directions until one side ends. As in Session::run(), reads from the
/// channel do not block, while writes block, but never exceed its window.
class Tunnel::Relay {
  public:
    Relay(LIBSSH2_SESSION* session, LIBSSH2_CHANNEL* channel, int socket, int local)
        : session_(session), channel_(channel), socket_(socket), local_(local) {}

    void run(const std::stop_token& stop) {
        while (!stop.stop_requested()) {
            progress_ = false;
            if (!from_host() || !to_us() || !to_host()) break;
            if (!progress_) wait();
        }
        // The local reader then sees the end of the stream.
        ::shutdown(local_, SHUT_RDWR);
    }

  private:
    bool from_host() {
        if (!waiting_.empty()) return true; // the local reader is slower than the host
        libssh2_session_set_blocking(session_, 0);
        const ssize_t n = libssh2_channel_read(channel_, buffer_.data(), buffer_.size());
        if (n == LIBSSH2_ERROR_EAGAIN) return true;
        if (n < 0) return false;
        if (n == 0) return libssh2_channel_eof(channel_) == 0;
        waiting_.assign(buffer_.data(), static_cast<std::size_t>(n));
        progress_ = true;
        return true;
    }

    bool to_us() {
        if (waiting_.empty()) return true;
        const ssize_t n = ::send(local_, waiting_.data(), waiting_.size(), MSG_NOSIGNAL);
        if (n < 0) return errno == EAGAIN || errno == EINTR;
        waiting_.erase(0, static_cast<std::size_t>(n));
        progress_ = true;
        return true;
    }

    bool to_host() {
        const std::size_t window = libssh2_channel_window_write(channel_);
        if (window == 0) return true;
        const ssize_t n = ::recv(local_, buffer_.data(), std::min(window, buffer_.size()), 0);
        if (n < 0) return errno == EAGAIN || errno == EINTR;
        if (n == 0) return false;
        libssh2_session_set_blocking(session_, 1);
        for (std::size_t sent = 0; sent < static_cast<std::size_t>(n);) {
            const ssize_t one = libssh2_channel_write(channel_, buffer_.data() + sent,
                                                      static_cast<std::size_t>(n) - sent);
            if (one < 0) return false;
            sent += static_cast<std::size_t>(one);
        }
        progress_ = true;
        return true;
    }

    void wait() const {
        const bool open = libssh2_channel_window_write(channel_) > 0;
        const int local = (open ? POLLIN : 0) | (waiting_.empty() ? 0 : POLLOUT);
        std::array<pollfd, 2> fds{pollfd{socket_, POLLIN, 0},
                                  pollfd{local_, static_cast<short>(local), 0}};
        ::poll(fds.data(), fds.size(), 1000);
    }

    LIBSSH2_SESSION* session_;
    LIBSSH2_CHANNEL* channel_;
    int socket_, local_;
    std::string waiting_; ///< received from the host, not yet sent to the local end
    std::array<char, kRelayChunk> buffer_{};
    bool progress_ = false;
};

Tunnel::Tunnel(std::unique_ptr<Session> hop, LIBSSH2_SESSION* session, int socket, const Login& to)
    : hop_(std::move(hop)), session_(session), socket_(socket) {
    libssh2_session_set_timeout(session_, long{to.timeout.count()});
    channel_.reset(libssh2_channel_direct_tcpip(session_, to.address.c_str(), to.port));
    libssh2_session_set_timeout(session_, long{to.silence.count()});
    if (!channel_) {
        char* text = nullptr;
        libssh2_session_last_error(session_, &text, nullptr, 0);
        throw Error(ErrorKind::unreachable,
                    fmt::format("{} cannot be reached through {}: {}", to.name(), to.jump->name(),
                                text && *text ? text : "no reason given"))
            .with_hint("check that the jump host can connect to it, and that its sshd_config "
                       "allows it (AllowTcpForwarding, PermitOpen)")
            .as_transient();
    }
    std::array<int, 2> ends{};
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) != 0)
        throw Error(ErrorKind::failed, "cannot create a socket pair for a jump host");
    ours_ = Fd(ends[0]);
    theirs_ = Fd(ends[1]);
    ::fcntl(theirs_.get(), F_SETFL, O_NONBLOCK);
    relay_ = std::jthread([this](const std::stop_token& stop) {
        Relay(session_, channel_.get(), socket_, theirs_.get()).run(stop);
    });
}

void Tunnel::cut() {
    const linger at_once{1, 0};
    ::setsockopt(socket_, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    ::shutdown(socket_, SHUT_RDWR);
}

Tunnel::~Tunnel() {
    relay_.request_stop();
    if (theirs_) ::shutdown(theirs_.get(), SHUT_RDWR); // wakes the relay
    if (relay_.joinable()) relay_.join();
    // Do not wait long for a silent hop when the channel is closed.
    libssh2_session_set_blocking(session_, 1);
    libssh2_session_set_timeout(session_, 1000);
}

} // namespace hadeploy::ssh
