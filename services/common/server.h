#pragma once

#include "common/socket.h"

#include <atomic>
#include <condition_variable>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <thread>

namespace hadeploy::svc {

class ConnectionServer;

/// An accepted connection, as its handler uses it.
class Connection {
  public:
    Connection(ConnectionServer& server, Socket socket)
        : server_(server), socket_(std::move(socket)) {}

    Socket& socket() { return socket_; }
    /// True once the service stops: finish the current request and accept no other.
    const std::atomic<bool>& stopping() const;

    /// Marks the connection as being answered: it is not closed to make room for a new one.
    class Answering {
      public:
        explicit Answering(Connection& connection);
        ~Answering();
        Answering(const Answering&) = delete;
        Answering& operator=(const Answering&) = delete;

      private:
        Connection& connection_;
    };

  private:
    friend class ConnectionServer;

    ConnectionServer& server_;
    Socket socket_;
};

/// Limits of concurrent connections, in total and from one address.
struct Limits {
    std::size_t most, each;
};

/// How long a service that stops keeps accepting connections: until no other machine has connected
/// for `quiet`, but not longer than `longest`.
struct Linger {
    std::chrono::milliseconds quiet{0}, longest{0};
};

/// Accepts TCP connections and runs the handler for each on its own thread. At the limit, a new
/// connection replaces the one that has waited longest for a request or the rest of one; if all are
/// being answered, the new one is closed.
class ConnectionServer {
  public:
    using Handler = std::function<void(Connection&)>;

    /// Starts to accept connections immediately.
    ConnectionServer(std::uint16_t port, Limits limits, Handler handler);
    ~ConnectionServer();

    std::uint16_t port() const { return listener_.port(); }

    /// Keeps accepting until the load balancer has removed this address, but without keeping
    /// connections alive; then closes idle connections and gives busy ones `patience` to finish.
    void finish(Linger linger, std::chrono::milliseconds patience);

  private:
    friend class Connection;

    struct Peer {
        std::uint32_t address;
        std::uint64_t waits_since; ///< event number; the lowest has waited longest
        bool answering = false;
        bool closing = false; ///< its thread is ending
    };

    void accept_loop();
    void wait_until_quiet(Linger linger);
    bool admit(const Socket& socket);
    bool close_oldest(std::optional<std::uint32_t> address);
    void set_answering(int fd, bool answering);
    void serve(Socket socket);

    Listener listener_;
    Limits limits_;
    Handler handler_;
    std::atomic<bool> stopping_ = false;
    std::atomic<bool> closed_ = false;
    std::mutex mutex_;
    std::condition_variable idle_;
    std::map<int, Peer> connections_; ///< by descriptor
    std::uint64_t events_ = 0;
    Deadline last_remote_{}; ///< time of the last connection from another machine
    Deadline tell_again_{};  ///< earliest time of the next log line about the limit
    std::thread acceptor_;
};

} // namespace hadeploy::svc
