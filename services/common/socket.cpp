#include "common/socket.h"

#include <algorithm>
#include <arpa/inet.h>
#include <array>
#include <cerrno>
#include <cstring>
#include <memory>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <thread>
#include <unistd.h>

namespace hadeploy::svc {
namespace {

constexpr auto kAddressTimeout = std::chrono::seconds(2);
constexpr std::chrono::milliseconds kSilence{3000};
constexpr std::chrono::milliseconds kNoDescriptor{20};

std::string errno_text(int code) {
    return std::strerror(code);
}

/// True if the descriptor is ready (or failed: the next call reports it), false on a timeout.
bool wait_ready(int fd, short events, Deadline deadline) {
    for (;;) {
        const auto left =
            std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now()).count();
        pollfd entry{fd, events, 0};
        const int timeout = static_cast<int>(std::clamp<std::int64_t>(left, 0, 3'600'000));
        const int ready = ::poll(&entry, 1, timeout);
        if (ready > 0) return true;
        if (ready == 0) return false;
        if (errno != EINTR) throw NetworkError("poll: " + errno_text(errno));
    }
}

Socket connect_address(const sockaddr* address, socklen_t length, int family, Deadline deadline) {
    Socket socket(::socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!socket.is_open()) throw NetworkError("socket: " + errno_text(errno));
    if (::connect(socket.fd(), address, length) == 0) return socket;
    if (errno != EINPROGRESS) throw NetworkError(errno_text(errno));
    if (!wait_ready(socket.fd(), POLLOUT, deadline)) throw NetworkError("no response in time");
    int code = 0;
    socklen_t size = sizeof code;
    ::getsockopt(socket.fd(), SOL_SOCKET, SO_ERROR, &code, &size);
    if (code != 0) throw NetworkError(errno_text(code));
    return socket;
}

void set_option(int fd, int level, int option, int value) {
    ::setsockopt(fd, level, option, &value, sizeof value);
}

void disable_delay(int fd) {
    set_option(fd, IPPROTO_TCP, TCP_NODELAY, 1);
}

using AddressList = std::unique_ptr<addrinfo, decltype(&freeaddrinfo)>;

AddressList resolved(const Endpoint& endpoint) {
    addrinfo hints{};
    hints.ai_family = AF_INET; // the swarm's overlay networks use IPv4
    hints.ai_socktype = SOCK_STREAM;
    addrinfo* found = nullptr;
    const int code =
        ::getaddrinfo(endpoint.host.c_str(), std::to_string(endpoint.port).c_str(), &hints, &found);
    if (code != 0) throw NetworkError(endpoint.text() + ": " + gai_strerror(code));
    return {found, freeaddrinfo};
}

/// The addresses without those of `last`, then these.
std::vector<const addrinfo*> in_order(const addrinfo* found,
                                      const std::vector<std::uint32_t>& last) {
    std::vector<const addrinfo*> list;
    for (; found != nullptr; found = found->ai_next) list.push_back(found);
    const auto rank = [&](const addrinfo* one) {
        const std::uint32_t address =
            ntohl(reinterpret_cast<const sockaddr_in*>(one->ai_addr)->sin_addr.s_addr);
        const auto at = std::find(last.begin(), last.end(), address);
        return at == last.end() ? 0 : at - last.begin() + 1;
    };
    std::stable_sort(list.begin(), list.end(),
                     [&](const addrinfo* a, const addrinfo* b) { return rank(a) < rank(b); });
    return list;
}

// A node without power sends nothing. The kernel can tell it from a slow program, whose node still
// acknowledges.
void notice_dead_peer(int fd) {
    set_option(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
    set_option(fd, IPPROTO_TCP, TCP_KEEPIDLE, 1);
    set_option(fd, IPPROTO_TCP, TCP_KEEPINTVL, 1);
    set_option(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, static_cast<int>(kSilence.count()));
}

} // namespace

Socket& Socket::operator=(Socket&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
}

Socket::~Socket() {
    close();
}

void Socket::close() {
    if (fd_ >= 0) ::close(fd_);
    fd_ = -1;
}

std::uint32_t Socket::peer_address() const {
    sockaddr_in address{};
    socklen_t length = sizeof address;
    const bool known = ::getpeername(fd_, reinterpret_cast<sockaddr*>(&address), &length) == 0 &&
                       address.sin_family == AF_INET;
    return known ? ntohl(address.sin_addr.s_addr) : 0;
}

std::size_t Socket::read_some(char* into, std::size_t capacity, Deadline deadline) {
    for (;;) {
        const ssize_t got = ::recv(fd_, into, capacity, 0);
        if (got >= 0) return static_cast<std::size_t>(got);
        if (errno == EINTR) continue;
        if (errno != EAGAIN && errno != EWOULDBLOCK)
            throw NetworkError("read: " + errno_text(errno));
        if (!wait_ready(fd_, POLLIN, deadline))
            throw NetworkError("read: the peer sent nothing in time");
    }
}

void Socket::read_exact(char* into, std::size_t size, Deadline deadline) {
    for (std::size_t done = 0; done < size;) {
        const std::size_t got = read_some(into + done, size - done, deadline);
        if (got == 0)
            throw NetworkError("read: the peer closed the connection in the middle of "
                               "a message");
        done += got;
    }
}

void Socket::write_all(std::string_view bytes, Deadline deadline) {
    while (!bytes.empty()) {
        const ssize_t sent = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
        if (sent > 0) {
            bytes.remove_prefix(static_cast<std::size_t>(sent));
            continue;
        }
        if (errno == EINTR) continue;
        if (errno != EAGAIN && errno != EWOULDBLOCK)
            throw NetworkError("write: " + errno_text(errno));
        if (!wait_ready(fd_, POLLOUT, deadline))
            throw NetworkError("write: the peer accepted no data in time");
    }
}

std::vector<std::string> addresses_of(const Endpoint& endpoint) {
    const AddressList addresses = resolved(endpoint);
    std::vector<std::string> list;
    for (const addrinfo* one = addresses.get(); one != nullptr; one = one->ai_next) {
        std::array<char, INET_ADDRSTRLEN> text{};
        ::inet_ntop(AF_INET, &reinterpret_cast<const sockaddr_in*>(one->ai_addr)->sin_addr,
                    text.data(), text.size());
        list.emplace_back(text.data());
    }
    return list;
}

Socket connect_tcp(const Endpoint& endpoint, Deadline deadline,
                   const std::vector<std::uint32_t>& last) {
    const AddressList addresses = resolved(endpoint);
    std::string reason = "no address";
    for (const addrinfo* one : in_order(addresses.get(), last)) {
        try {
            const Deadline until = std::min<Deadline>(deadline, Clock::now() + kAddressTimeout);
            Socket socket = connect_address(one->ai_addr, one->ai_addrlen, one->ai_family, until);
            disable_delay(socket.fd());
            notice_dead_peer(socket.fd());
            return socket;
        } catch (const NetworkError& error) {
            reason = error.what();
        }
    }
    throw NetworkError(endpoint.text() + ": " + reason);
}

Socket connect_unix(const std::string& path, Deadline deadline) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path.size() >= sizeof address.sun_path)
        throw NetworkError(path + ": too long for a socket's path");
    std::memcpy(address.sun_path, path.data(), path.size());
    try {
        return connect_address(reinterpret_cast<const sockaddr*>(&address), sizeof address, AF_UNIX,
                               deadline);
    } catch (const NetworkError& error) {
        throw NetworkError(path + ": " + error.what());
    }
}

Listener::Listener(std::uint16_t port)
    : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)) {
    set_option(socket_.fd(), SOL_SOCKET, SO_REUSEADDR, 1);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_ANY);
    address.sin_port = htons(port);
    socklen_t length = sizeof address;
    auto* raw = reinterpret_cast<sockaddr*>(&address);
    if (::bind(socket_.fd(), raw, length) != 0 || ::listen(socket_.fd(), 256) != 0 ||
        ::getsockname(socket_.fd(), raw, &length) != 0)
        throw NetworkError("cannot listen on port " + std::to_string(port) + ": " +
                           errno_text(errno));
    port_ = ntohs(address.sin_port);
}

Socket Listener::accept(Deadline deadline) {
    if (!wait_ready(socket_.fd(), POLLIN, deadline)) return Socket();
    Socket socket(::accept4(socket_.fd(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
    if (socket.is_open())
        disable_delay(socket.fd());
    else if (errno == EMFILE || errno == ENFILE) // avoids an immediate retry
        std::this_thread::sleep_for(kNoDescriptor);
    return socket;
}

} // namespace hadeploy::svc
