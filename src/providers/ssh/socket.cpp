#include "providers/ssh/socket.h"

#include "core/error.h"
#include "core/secrecy.h"

#include <algorithm>
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
#include <vector>

namespace hadeploy::ssh {

namespace {
using Clock = std::chrono::steady_clock;
using Addresses = std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)>;

Addresses resolve(const Login& login) {
    addrinfo hints{};
    hints.ai_family = login.address_family == "inet"    ? AF_INET
                      : login.address_family == "inet6" ? AF_INET6
                                                        : AF_UNSPEC;
    hints.ai_socktype = SOCK_STREAM;
    addrinfo* found = nullptr;
    const int rc =
        ::getaddrinfo(login.address.c_str(), std::to_string(login.port).c_str(), &hints, &found);
    if (rc == 0) return {found, &::freeaddrinfo};
    Error error(ErrorKind::unreachable,
                fmt::format("the host name {} does not resolve: {}", login.redacted(login.address),
                            ::gai_strerror(rc)));
    error.transient = rc == EAI_AGAIN;
    throw error.with_hint("correct the address, or add the name to DNS or /etc/hosts (the "
                          "`address` of an ssh.host may be an alias from ~/.ssh/config)");
}

void set(int fd, int level, int option, int value) {
    ::setsockopt(fd, level, option, &value, sizeof value);
}

// The kernel detects a lost host within a minute, even during a long command.
void configure(int fd) {
    ::fcntl(fd, F_SETFL, ::fcntl(fd, F_GETFL) & ~O_NONBLOCK);
    set(fd, IPPROTO_TCP, TCP_NODELAY, 1);
    set(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
    set(fd, IPPROTO_TCP, TCP_KEEPIDLE, 15);
    set(fd, IPPROTO_TCP, TCP_KEEPINTVL, 5);
    set(fd, IPPROTO_TCP, TCP_KEEPCNT, 9);
    set(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, 60'000);
}
/// RFC 8305, section 5: how long to wait for one address before the next one is tried in parallel.
constexpr std::chrono::milliseconds kHeadStart{250};

/// Alternates address families, starting with the family of the first result (RFC 8305, section 4).
std::vector<const addrinfo*> in_turns(const addrinfo* list) {
    std::vector<const addrinfo*> first, others, out;
    for (const addrinfo* a = list; a; a = a->ai_next)
        (a->ai_family == list->ai_family ? first : others).push_back(a);
    for (std::size_t i = 0; i < std::max(first.size(), others.size()); ++i) {
        if (i < first.size()) out.push_back(first[i]);
        if (i < others.size()) out.push_back(others[i]);
    }
    return out;
}

/// Parallel connection attempts; the first to succeed wins.
class Race {
  public:
    Race(std::vector<const addrinfo*> addresses, Clock::time_point deadline, std::stop_token stop)
        : addresses_(std::move(addresses)), deadline_(deadline), stop_(std::move(stop)) {}

    /// The connected socket; empty if no address responded.
    Fd run() {
        while (!winner_) {
            if (stop_.stop_requested()) throw Interrupted();
            const bool idle = running_.empty();
            if (next_ < addresses_.size() && (idle || Clock::now() >= start_next_))
                begin(*addresses_[next_++]);
            else if (idle)
                break;
            else if (Clock::now() >= deadline_) {
                cause_ = ETIMEDOUT;
                break;
            } else
                wait();
        }
        return std::move(winner_);
    }
    /// The errno of the last address that failed.
    [[nodiscard]] int cause() const { return cause_; }

  private:
    void begin(const addrinfo& a) {
        start_next_ = Clock::now() + kHeadStart;
        Fd socket(
            ::socket(a.ai_family, a.ai_socktype | SOCK_CLOEXEC | SOCK_NONBLOCK, a.ai_protocol));
        if (!socket)
            cause_ = errno;
        else if (::connect(socket.get(), a.ai_addr, a.ai_addrlen) == 0)
            winner_ = std::move(socket);
        else if (errno == EINPROGRESS)
            running_.push_back(std::move(socket));
        else
            cause_ = errno;
    }

    void wait() {
        auto until = std::min(deadline_, Clock::now() + std::chrono::milliseconds(100));
        if (next_ < addresses_.size()) until = std::min(until, start_next_);
        const auto left =
            std::chrono::ceil<std::chrono::milliseconds>(until - Clock::now()).count();
        std::vector<pollfd> fds;
        for (const Fd& socket : running_) fds.push_back({socket.get(), POLLOUT, 0});
        if (::poll(fds.data(), fds.size(), static_cast<int>(std::max<long long>(left, 0))) <= 0)
            return;
        std::vector<Fd> still;
        for (std::size_t i = 0; i < fds.size(); ++i) {
            if (fds[i].revents == 0) {
                still.push_back(std::move(running_[i]));
                continue;
            }
            int error = 0;
            socklen_t size = sizeof error;
            ::getsockopt(fds[i].fd, SOL_SOCKET, SO_ERROR, &error, &size);
            if (error != 0)
                cause_ = error;
            else if (!winner_)
                winner_ = std::move(running_[i]);
        }
        // After a failure the next attempt starts immediately.
        if (still.size() < running_.size()) start_next_ = Clock::now();
        running_ = std::move(still);
    }

    std::vector<const addrinfo*> addresses_;
    std::size_t next_ = 0; ///< index of the next address
    Clock::time_point deadline_, start_next_;
    std::stop_token stop_;
    std::vector<Fd> running_;
    Fd winner_;
    int cause_ = 0;
};
} // namespace

Fd connect_to(const Login& login, std::stop_token stop) {
    const Addresses addresses = resolve(login);
    Race race(in_turns(addresses.get()), Clock::now() + login.timeout, std::move(stop));
    if (Fd socket = race.run()) {
        configure(socket.get());
        return socket;
    }
    throw Error(ErrorKind::unreachable,
                fmt::format("{} cannot be reached: {}", login.name(), std::strerror(race.cause())))
        .with_hint("check that the machine is on, that sshd is running, and that address and port "
                   "are correct")
        .as_transient();
}

} // namespace hadeploy::ssh
