#pragma once

#include "core/file.h"

#include <atomic>
#include <chrono>
#include <cstddef>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

namespace hadeploy::test {

/// A fault that happens to a connection once, after some bytes in one direction.
struct Fault {
    enum class Kind {
        cut,     ///< both ends are notified that the connection is gone
        half,    ///< this direction ends, the other continues
        stall,   ///< no more data passes, and neither end is notified
        swallow, ///< later data in this direction is lost, the other continues
        delay,   ///< this direction waits for `pause`
    };
    enum class Direction { to_host, to_client };
    Kind kind = Kind::cut;
    Direction direction = Direction::to_host;
    std::size_t after = 0; ///< bytes that pass before the fault, counted from arm()
    std::chrono::milliseconds pause{0};
};

/// A TCP proxy on the loopback interface, in front of a server there.
class FaultProxy {
  public:
    explicit FaultProxy(int server_port);
    ~FaultProxy();
    FaultProxy(const FaultProxy&) = delete;
    FaultProxy& operator=(const FaultProxy&) = delete;

    [[nodiscard]] int port() const { return port_; }
    /// Arms a fault for the first connection that reaches it.
    void arm(const Fault& fault);
    /// Whether the armed fault has happened.
    [[nodiscard]] bool struck() const;
    /// Bytes that passed on all connections.
    [[nodiscard]] std::size_t passed(Fault::Direction direction) const;
    [[nodiscard]] int connections() const { return connections_; }

  private:
    struct Link;
    void accept(const std::stop_token& stop);
    void carry(const std::stop_token& stop, const Link& link);
    bool pass(const std::stop_token& stop, const Link& link, Fault::Direction direction);
    /// How much of a piece may pass, and the fault if it occurs after that.
    std::optional<Fault> admit(Fault::Direction direction, std::size_t& size);

    int server_port_, port_ = 0;
    Fd listener_;
    std::atomic<int> connections_ = 0;
    mutable std::mutex mutex_; ///< guards the following members
    std::optional<Fault> fault_;
    std::size_t passed_[2] = {0, 0};
    std::vector<std::jthread> links_;
    std::jthread accepting_;
};

} // namespace hadeploy::test
