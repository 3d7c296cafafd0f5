#pragma once

#include "common/env.h"

#include <chrono>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>

namespace hadeploy::svc {

using Clock = std::chrono::steady_clock;
/// Every socket operation carries one: nothing here can block for ever.
using Deadline = Clock::time_point;

/// A peer that cannot be reached, went away, or was too slow. The text says which.
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
    /// The IPv4 address at the other end; 0 when there is none.
    std::uint32_t peer_address() const;

    /// At least one byte, or 0 when the peer has closed.
    std::size_t read_some(char* into, std::size_t capacity, Deadline deadline);
    /// Exactly `size` bytes; throws when the peer closes before.
    void read_exact(char* into, std::size_t size, Deadline deadline);
    void write_all(std::string_view bytes, Deadline deadline);

  private:
    int fd_;
};

/// Resolves the name now and tries its addresses in turn, each for at most two seconds. A
/// connection whose peer's machine is silent for three seconds fails.
Socket connect_tcp(const Endpoint& endpoint, Deadline deadline);
Socket connect_unix(const std::string& path, Deadline deadline);

/// A listening TCP socket on every address of the machine; port 0 picks a free one.
class Listener {
  public:
    explicit Listener(std::uint16_t port);

    std::uint16_t port() const { return port_; }
    /// A connection, or a closed Socket when none came before the deadline.
    Socket accept(Deadline deadline);
    void close() { socket_.close(); }

  private:
    Socket socket_;
    std::uint16_t port_ = 0;
};

} // namespace hadeploy::svc
