#include "common/server.h"

#include "common/log.h"

#include <sys/socket.h>

namespace hadeploy::svc {

ConnectionServer::ConnectionServer(std::uint16_t port, std::size_t most, Handler handler)
    : listener_(port), most_(most), handler_(std::move(handler)),
      acceptor_([this] { accept_loop(); }) {}

ConnectionServer::~ConnectionServer() {
    finish(std::chrono::milliseconds(0), std::chrono::milliseconds(0));
    // The threads use this object: they must be gone before it is.
    std::unique_lock lock(mutex_);
    idle_.wait(lock, [this] { return connections_.empty(); });
}

void ConnectionServer::finish(std::chrono::milliseconds linger,
                              std::chrono::milliseconds patience) {
    if (closed_) return;
    stopping_ = true;
    std::this_thread::sleep_for(linger);
    closed_ = true;
    acceptor_.join();
    listener_.close();
    std::unique_lock lock(mutex_);
    for (const int fd : connections_)
        ::shutdown(fd, SHUT_RD); // an idle connection reads its end; an answer can still be sent
    if (!idle_.wait_for(lock, patience, [this] { return connections_.empty(); })) {
        for (const int fd : connections_) ::shutdown(fd, SHUT_RDWR);
    }
}

void ConnectionServer::accept_loop() {
    while (!closed_) {
        Socket socket = listener_.accept(Clock::now() + std::chrono::milliseconds(100));
        if (!socket.is_open()) continue;
        {
            const std::lock_guard lock(mutex_);
            if (connections_.size() >= most_) continue;
            connections_.insert(socket.fd());
        }
        std::thread([this, owned = std::move(socket)]() mutable {
            serve(std::move(owned));
        }).detach();
    }
}

void ConnectionServer::serve(Socket socket) {
    try {
        handler_(socket, stopping_);
    } catch (const NetworkError&) {
        // The peer went away or was too slow: its own affair, and no state here depends on it.
    } catch (const std::exception& error) {
        log_error("connection-failed", {{"reason", error.what()}});
    }
    const std::lock_guard lock(mutex_);
    connections_.erase(socket.fd());
    socket.close();
    idle_.notify_all();
}

} // namespace hadeploy::svc
