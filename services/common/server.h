#pragma once

#include "common/socket.h"

#include <atomic>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <set>
#include <thread>

namespace hadeploy::svc {

/// Accepts TCP connections and runs the handler on a thread of its own for each.
class ConnectionServer {
  public:
    /// `stopping` turns true when the service is going down: finish the request, take no more.
    using Handler = std::function<void(Socket&, const std::atomic<bool>& stopping)>;

    /// Connections beyond `most` are closed at once. Starts accepting right away.
    ConnectionServer(std::uint16_t port, std::size_t most, Handler handler);
    ~ConnectionServer();

    std::uint16_t port() const { return listener_.port(); }

    /// Goes on accepting for `linger`, while the load balancer still forgets this address, but
    /// asks for no reuse of connections; then ends idle connections and gives busy ones
    /// `patience` to finish.
    void finish(std::chrono::milliseconds linger, std::chrono::milliseconds patience);

  private:
    void accept_loop();
    void serve(Socket socket);

    Listener listener_;
    std::size_t most_;
    Handler handler_;
    std::atomic<bool> stopping_ = false;
    std::atomic<bool> closed_ = false;
    std::mutex mutex_;
    std::condition_variable idle_;
    std::set<int> connections_;
    std::thread acceptor_;
};

} // namespace hadeploy::svc
