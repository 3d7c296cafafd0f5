#include "chaos/tcp.h"

#include "core/file.h"

#include <cerrno>
#include <cstring>
#include <memory>
#include <netdb.h>
#include <poll.h>
#include <sys/socket.h>

namespace hadeploy::chaos {

namespace {

std::string try_address(const addrinfo& address, std::chrono::milliseconds timeout) {
    const Fd socket(::socket(address.ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    if (!socket) return std::strerror(errno);
    if (::connect(socket.get(), address.ai_addr, address.ai_addrlen) == 0) return "";
    if (errno != EINPROGRESS) return std::strerror(errno);
    pollfd waiting{.fd = socket.get(), .events = POLLOUT, .revents = 0};
    const int ready = ::poll(&waiting, 1, static_cast<int>(timeout.count()));
    if (ready == 0) return "timeout";
    int problem = errno;
    socklen_t size = sizeof problem;
    if (ready > 0) ::getsockopt(socket.get(), SOL_SOCKET, SO_ERROR, &problem, &size);
    return problem == 0 ? "" : std::strerror(problem);
}

} // namespace

std::string connect_problem(const std::string& host, std::uint16_t port,
                            std::chrono::milliseconds timeout) {
    addrinfo hints{};
    hints.ai_socktype = SOCK_STREAM;
    addrinfo* found = nullptr;
    if (const int code = ::getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &found);
        code != 0)
        return ::gai_strerror(code);
    const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> list(found, &::freeaddrinfo);
    std::string problem;
    for (const addrinfo* a = found; a != nullptr; a = a->ai_next) {
        problem = try_address(*a, timeout);
        if (problem.empty()) return "";
    }
    return problem;
}

} // namespace hadeploy::chaos
