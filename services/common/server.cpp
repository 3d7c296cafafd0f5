#include "common/server.h"

#include "common/log.h"

#include <algorithm>
#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/socket.h>

namespace hadeploy::svc {
namespace {

constexpr std::size_t kOtherFiles = 64; ///< descriptors other than connections
constexpr auto kBetweenLines = std::chrono::minutes(1);

/// Limits the connections to the available descriptors.
Limits possible(Limits limits) {
    rlimit files{};
    if (::getrlimit(RLIMIT_NOFILE, &files) != 0 || files.rlim_cur == RLIM_INFINITY) return limits;
    const std::size_t can = files.rlim_cur > 2 * kOtherFiles ? files.rlim_cur - kOtherFiles : 1;
    return {std::min(limits.most, can), std::min(limits.each, can)};
}

} // namespace

const std::atomic<bool>& Connection::stopping() const {
    return server_.stopping_;
}

Connection::Answering::Answering(Connection& connection) : connection_(connection) {
    connection_.server_.set_answering(connection_.socket_.fd(), true);
}

Connection::Answering::~Answering() {
    connection_.server_.set_answering(connection_.socket_.fd(), false);
}

ConnectionServer::ConnectionServer(std::uint16_t port, Limits limits, Handler handler)
    : listener_(port), limits_(possible(limits)), handler_(std::move(handler)),
      acceptor_([this] { accept_loop(); }) {}

ConnectionServer::~ConnectionServer() {
    finish({}, std::chrono::milliseconds(0));
    // The threads use this object, so they must have ended before it is destroyed.
    std::unique_lock lock(mutex_);
    idle_.wait(lock, [this] { return connections_.empty(); });
}

void ConnectionServer::wait_until_quiet(Linger linger) {
    const Deadline begin = Clock::now(), end = begin + linger.longest;
    std::unique_lock lock(mutex_);
    for (;;) {
        const Deadline quiet = std::min(std::max(begin, last_remote_) + linger.quiet, end);
        if (Clock::now() >= quiet) return;
        lock.unlock();
        std::this_thread::sleep_until(quiet);
        lock.lock();
    }
}

void ConnectionServer::finish(Linger linger, std::chrono::milliseconds patience) {
    if (closed_) return;
    stopping_ = true;
    wait_until_quiet(linger);
    closed_ = true;
    acceptor_.join();
    listener_.close();
    std::unique_lock lock(mutex_);
    for (const auto& [fd, peer] : connections_)
        ::shutdown(fd, SHUT_RD); // ends idle reads; a response can still be sent
    if (!idle_.wait_for(lock, patience, [this] { return connections_.empty(); })) {
        for (const auto& [fd, peer] : connections_) ::shutdown(fd, SHUT_RDWR);
    }
}

void ConnectionServer::accept_loop() {
    while (!closed_) {
        Socket socket = listener_.accept(Clock::now() + std::chrono::milliseconds(100));
        if (!socket.is_open() || !admit(socket)) continue;
        std::thread([this, owned = std::move(socket)]() mutable {
            serve(std::move(owned));
        }).detach();
    }
}

bool ConnectionServer::admit(const Socket& socket) {
    const std::lock_guard lock(mutex_);
    const std::uint32_t address = socket.peer_address();
    if (address != INADDR_LOOPBACK) last_remote_ = Clock::now(); // the watchdog is local
    std::size_t all = 0, same = 0;
    for (const auto& [fd, peer] : connections_) {
        if (peer.closing) continue;
        ++all;
        if (peer.address == address) ++same;
    }
    bool room = connections_.size() < 2 * limits_.most;
    if (room && same >= limits_.each)
        room = close_oldest(address);
    else if (room && all >= limits_.most)
        room = close_oldest({});
    else if (room)
        return connections_.emplace(socket.fd(), Peer{address, ++events_}).second;
    if (Clock::now() >= tell_again_) {
        tell_again_ = Clock::now() + kBetweenLines;
        log_info("connections-full", {{"all", std::to_string(all)},
                                      {"of_this_address", std::to_string(same)},
                                      {"closed", room ? "the oldest idle one" : "the new one"}});
    }
    return room && connections_.emplace(socket.fd(), Peer{address, ++events_}).second;
}

bool ConnectionServer::close_oldest(std::optional<std::uint32_t> address) {
    auto oldest = connections_.end();
    for (auto it = connections_.begin(); it != connections_.end(); ++it) {
        const Peer& peer = it->second;
        if (peer.answering || peer.closing || (address && peer.address != *address)) continue;
        if (oldest == connections_.end() || peer.waits_since < oldest->second.waits_since)
            oldest = it;
    }
    if (oldest == connections_.end()) return false;
    oldest->second.closing = true;
    ::shutdown(oldest->first, SHUT_RDWR);
    return true;
}

void ConnectionServer::set_answering(int fd, bool answering) {
    const std::lock_guard lock(mutex_);
    const auto peer = connections_.find(fd);
    if (peer == connections_.end()) return;
    peer->second.answering = answering;
    peer->second.waits_since = ++events_;
}

void ConnectionServer::serve(Socket socket) {
    Connection connection(*this, std::move(socket));
    try {
        handler_(connection);
    } catch (const NetworkError&) {
        // The peer closed or was too slow; no state of the service depends on it.
    } catch (const std::exception& error) {
        log_error("connection-failed", {{"reason", error.what()}});
    }
    const std::lock_guard lock(mutex_);
    connections_.erase(connection.socket().fd());
    connection.socket().close();
    idle_.notify_all();
}

} // namespace hadeploy::svc
