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

/// An accepted connection, as its handler sees it.
class Connection {
  public:
    Connection(ConnectionServer& server, Socket socket)
        : server_(server), socket_(std::move(socket)) {}

    Socket& socket() { return socket_; }
    /// Turns true when the service is going down: finish the request, take no more.
    const std::atomic<bool>& stopping() const;

    /// While one of these lives the peer waits for an answer: the connection is not closed to make
    /// room for another one.
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

/// How many connections there may be at once, and how many of them from one address.
struct Limits {
    std::size_t most, each;
};

/// Accepts TCP connections and runs the handler on a thread of its own for each. When there are as
/// many as there may be, a new one takes the place of the one that has waited longest for a
/// request, or for the rest of it; if all are being answered, the new one is closed.
class ConnectionServer {
  public:
    using Handler = std::function<void(Connection&)>;

    /// Starts accepting right away.
    ConnectionServer(std::uint16_t port, Limits limits, Handler handler);
    ~ConnectionServer();

    std::uint16_t port() const { return listener_.port(); }

    /// Goes on accepting for `linger`, while the load balancer still forgets this address, but
    /// asks for no reuse of connections; then ends idle connections and gives busy ones
    /// `patience` to finish.
    void finish(std::chrono::milliseconds linger, std::chrono::milliseconds patience);

  private:
    friend class Connection;

    struct Peer {
        std::uint32_t address;
        std::uint64_t waits_since; ///< by the count of events; the lowest waits longest
        bool answering = false;
        bool closing = false; ///< its thread is ending
    };

    void accept_loop();
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
    std::map<int, Peer> connections_; ///< by their descriptors
    std::uint64_t events_ = 0;
    Deadline tell_again_{}; ///< when the next log line about a full service may be
    std::thread acceptor_;
};

} // namespace hadeploy::svc
