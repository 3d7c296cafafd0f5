#include "ssh/fault_proxy.h"

#include <array>
#include <netinet/in.h>
#include <poll.h>
#include <stdexcept>
#include <sys/socket.h>

namespace hadeploy::test {

namespace {
sockaddr_in loopback_address(int port) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<std::uint16_t>(port));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return address;
}

bool send_all(int fd, const char* data, std::size_t size) {
    while (size > 0) {
        const ssize_t n = ::send(fd, data, size, MSG_NOSIGNAL);
        if (n <= 0) return false;
        data += n;
        size -= static_cast<std::size_t>(n);
    }
    return true;
}

void pause(const std::stop_token& stop, std::chrono::milliseconds time) {
    const auto end = std::chrono::steady_clock::now() + time;
    while (!stop.stop_requested() && std::chrono::steady_clock::now() < end)
        std::this_thread::sleep_for(std::chrono::milliseconds(10));
}
} // namespace

struct FaultProxy::Link {
    Fd client, host;
    mutable bool open[2] = {true, true};        ///< by direction
    mutable bool swallowed[2] = {false, false}; ///< by direction
    [[nodiscard]] int from(Fault::Direction d) const {
        return d == Fault::Direction::to_host ? client.get() : host.get();
    }
    [[nodiscard]] int to(Fault::Direction d) const {
        return d == Fault::Direction::to_host ? host.get() : client.get();
    }
};

FaultProxy::FaultProxy(int server_port)
    : server_port_(server_port), listener_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address = loopback_address(0);
    socklen_t size = sizeof address;
    if (::bind(listener_.get(), reinterpret_cast<sockaddr*>(&address), size) != 0 ||
        ::listen(listener_.get(), 64) != 0 ||
        ::getsockname(listener_.get(), reinterpret_cast<sockaddr*>(&address), &size) != 0)
        throw std::runtime_error("the proxy cannot listen");
    port_ = ntohs(address.sin_port);
    accepting_ = std::jthread([this](const std::stop_token& stop) { accept(stop); });
}

FaultProxy::~FaultProxy() {
    accepting_.request_stop();
    accepting_.join();
    for (std::jthread& link : links_) link.request_stop();
}

void FaultProxy::arm(const Fault& fault) {
    const std::lock_guard lock(mutex_);
    fault_ = fault;
}

bool FaultProxy::struck() const {
    const std::lock_guard lock(mutex_);
    return !fault_;
}

std::size_t FaultProxy::passed(Fault::Direction direction) const {
    const std::lock_guard lock(mutex_);
    return passed_[static_cast<int>(direction)];
}

void FaultProxy::accept(const std::stop_token& stop) {
    while (!stop.stop_requested()) {
        pollfd p{listener_.get(), POLLIN, 0};
        if (::poll(&p, 1, 20) <= 0) continue;
        Link link{.client = Fd(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC)),
                  .host = Fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0))};
        const sockaddr_in address = loopback_address(server_port_);
        // A server that is down refuses connections.
        if (::connect(link.host.get(), reinterpret_cast<const sockaddr*>(&address),
                      sizeof address) != 0)
            continue;
        ++connections_;
        links_.emplace_back([this, link = std::move(link)](const std::stop_token& stop_link) {
            carry(stop_link, link);
        });
    }
}

std::optional<Fault> FaultProxy::admit(Fault::Direction direction, std::size_t& size) {
    const std::lock_guard lock(mutex_);
    std::optional<Fault> strikes;
    if (fault_ && fault_->direction == direction) {
        if (fault_->after < size) {
            strikes = std::exchange(fault_, std::nullopt);
            if (strikes->kind != Fault::Kind::delay) size = strikes->after;
        } else {
            fault_->after -= size;
        }
    }
    passed_[static_cast<int>(direction)] += size;
    return strikes;
}

/// @return false if the link is closed
bool FaultProxy::pass(const std::stop_token& stop, const Link& link, Fault::Direction direction) {
    std::array<char, 16 * 1024> buffer; // NOLINT: filled by recv
    const ssize_t n = ::recv(link.from(direction), buffer.data(), buffer.size(), 0);
    if (n < 0) return false;
    const auto way = static_cast<std::size_t>(direction);
    if (n == 0) {
        ::shutdown(link.to(direction), SHUT_WR);
        link.open[way] = false;
        return true;
    }
    if (link.swallowed[way]) return true;
    auto size = static_cast<std::size_t>(n);
    const std::optional<Fault> fault = admit(direction, size);
    if (fault && fault->kind == Fault::Kind::delay) pause(stop, fault->pause);
    if (!send_all(link.to(direction), buffer.data(), size)) return false;
    if (!fault) return true;
    switch (fault->kind) {
    case Fault::Kind::cut: return false;
    case Fault::Kind::half:
        ::shutdown(link.to(direction), SHUT_WR);
        link.swallowed[way] = true;
        break;
    case Fault::Kind::swallow: link.swallowed[way] = true; break;
    case Fault::Kind::stall:
        // The host does not notice that a client gives up.
        while (!stop.stop_requested()) pause(stop, std::chrono::hours(1));
        return false;
    case Fault::Kind::delay: break;
    }
    return true;
}

void FaultProxy::carry(const std::stop_token& stop, const Link& link) {
    using Direction = Fault::Direction;
    while (!stop.stop_requested() && (link.open[0] || link.open[1])) {
        pollfd fds[2] = {{link.open[0] ? link.from(Direction::to_host) : -1, POLLIN, 0},
                         {link.open[1] ? link.from(Direction::to_client) : -1, POLLIN, 0}};
        if (::poll(fds, 2, 20) <= 0) continue;
        if (fds[0].revents && !pass(stop, link, Direction::to_host)) break;
        if (fds[1].revents && !pass(stop, link, Direction::to_client)) break;
    }
    // The sockets live as long as the proxy, so shut them down now to notify both ends.
    ::shutdown(link.client.get(), SHUT_RDWR);
    ::shutdown(link.host.get(), SHUT_RDWR);
}

} // namespace hadeploy::test
