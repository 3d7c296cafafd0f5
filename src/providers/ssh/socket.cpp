#include "providers/ssh/socket.h"

#include "core/error.h"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <fmt/format.h>
#include <memory>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>

namespace hadeploy::ssh {

namespace {
using Clock = std::chrono::steady_clock;
using Addresses = std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)>;

Addresses resolve(const Login& login) {
    addrinfo hints{};
    hints.ai_family = AF_UNSPEC;
    hints.ai_socktype = SOCK_STREAM;
    addrinfo* found = nullptr;
    const int rc =
        ::getaddrinfo(login.address.c_str(), std::to_string(login.port).c_str(), &hints, &found);
    if (rc == 0) return {found, &::freeaddrinfo};
    Error error(ErrorKind::unreachable, fmt::format("the host name {} does not resolve: {}",
                                                    login.address, ::gai_strerror(rc)));
    error.transient = rc == EAI_AGAIN;
    throw error.with_hint("correct the address, or make the name known in DNS or /etc/hosts");
}

/// 0, or the errno of why not.
int connect_one(int fd, const addrinfo& address, Clock::time_point deadline,
                const std::stop_token& stop) {
    if (::connect(fd, address.ai_addr, address.ai_addrlen) == 0) return 0;
    if (errno != EINPROGRESS) return errno;
    for (;;) {
        if (stop.stop_requested()) throw Interrupted();
        const auto left =
            std::chrono::duration_cast<std::chrono::milliseconds>(deadline - Clock::now()).count();
        if (left <= 0) return ETIMEDOUT;
        pollfd p{fd, POLLOUT, 0};
        if (::poll(&p, 1, static_cast<int>(std::min<long long>(left, 100))) <= 0) continue;
        int error = 0;
        socklen_t size = sizeof error;
        ::getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size);
        return error;
    }
}

void set(int fd, int level, int option, int value) {
    ::setsockopt(fd, level, option, &value, sizeof value);
}

// The kernel notices a host that went away within a minute, in the middle of a long command too.
void configure(int fd) {
    ::fcntl(fd, F_SETFL, ::fcntl(fd, F_GETFL) & ~O_NONBLOCK);
    set(fd, IPPROTO_TCP, TCP_NODELAY, 1);
    set(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
    set(fd, IPPROTO_TCP, TCP_KEEPIDLE, 15);
    set(fd, IPPROTO_TCP, TCP_KEEPINTVL, 5);
    set(fd, IPPROTO_TCP, TCP_KEEPCNT, 9);
    set(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, 60'000);
}
} // namespace

Fd connect_to(const Login& login, std::stop_token stop) {
    const Addresses addresses = resolve(login);
    const auto deadline = Clock::now() + login.timeout;
    int cause = 0;
    for (const addrinfo* a = addresses.get(); a; a = a->ai_next) {
        Fd socket(
            ::socket(a->ai_family, a->ai_socktype | SOCK_CLOEXEC | SOCK_NONBLOCK, a->ai_protocol));
        if (socket.get() < 0) {
            cause = errno;
            continue;
        }
        cause = connect_one(socket.get(), *a, deadline, stop);
        if (cause != 0) continue;
        configure(socket.get());
        return socket;
    }
    throw Error(ErrorKind::unreachable,
                fmt::format("{} cannot be reached: {}", login.name(), std::strerror(cause)))
        .with_hint("is the machine on, its sshd running, and the address and port right?")
        .as_transient();
}

} // namespace hadeploy::ssh
