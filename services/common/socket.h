#pragma once

#include "common/env.h"

#include <chrono>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace hadeploy::svc {

using Clock = std::chrono::steady_clock;
/// Every socket operation has a deadline, so that none can block forever.
using Deadline = Clock::time_point;

/// The peer cannot be reached, has closed the connection, or is too slow; the message says which.
class NetworkError : public std::runtime_error {
  public:
    using std::runtime_error::runtime_error;
};

/// Owns a connected, non-blocking stream socket.
class Socket {
  public:
    explicit Socket(int fd = -1) : fd_(fd) {}
    Socket(Socket&& other) noexcept : fd_(other.fd_) { other.fd_ = -1; }
    Socket& operator=(Socket&& other) noexcept;
    ~Socket();

    int fd() const { return fd_; }
    bool is_open() const { return fd_ >= 0; }
    void close();
    /// The peer's IPv4 address; 0 if there is none.
    std::uint32_t peer_address() const;

    /// Reads at least one byte; returns 0 if the peer has closed.
    std::size_t read_some(char* into, std::size_t capacity, Deadline deadline);
    /// Reads exactly `size` bytes; throws if the peer closes before.
    void read_exact(char* into, std::size_t size, Deadline deadline);
    void write_all(std::string_view bytes, Deadline deadline);

  private:
    int fd_;
};

/// All IPv4 addresses of the name, such as "10.0.1.5". Throws NetworkError.
std::vector<std::string> addresses_of(const Endpoint& endpoint);

/// Resolves the name and tries its addresses in turn, each for at most two seconds. The connection
/// fails if the peer's machine does not respond for three seconds.
/// @param last  addresses (as of peer_address()) to try after all others, in this order
Socket connect_tcp(const Endpoint& endpoint, Deadline deadline,
                   const std::vector<std::uint32_t>& last = {});
Socket connect_unix(const std::string& path, Deadline deadline);

/// A listening TCP socket on all addresses; port 0 picks a free one.
class Listener {
  public:
    explicit Listener(std::uint16_t port);

    std::uint16_t port() const { return port_; }
    /// Accepts a connection; returns a closed Socket if there is none before the deadline.
    Socket accept(Deadline deadline);
    void close() { socket_.close(); }

  private:
    Socket socket_;
    std::uint16_t port_ = 0;
};

} // namespace hadeploy::svc
