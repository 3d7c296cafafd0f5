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

/// Something that happens to a connection, once, after some bytes of one of its directions.
struct Fault {
    enum class Kind {
        cut,     ///< both ends hear that the connection is gone
        half,    ///< this direction ends, the other goes on
        stall,   ///< nothing passes any more, and no end hears of it
        swallow, ///< what follows in this direction is lost, the other goes on
        delay,   ///< this direction waits for `pause`
    };
    enum class Direction { to_host, to_client };
    Kind kind = Kind::cut;
    Direction direction = Direction::to_host;
    std::size_t after = 0; ///< bytes that still pass, counted from arm()
    std::chrono::milliseconds pause{0};
};

/// A TCP proxy on loopback, in front of a server that listens there.
class FaultProxy {
  public:
    explicit FaultProxy(int server_port);
    ~FaultProxy();
    FaultProxy(const FaultProxy&) = delete;
    FaultProxy& operator=(const FaultProxy&) = delete;

    [[nodiscard]] int port() const { return port_; }
    /// For whichever connection reaches it first.
    void arm(const Fault& fault);
    /// Whether the armed fault has happened.
    [[nodiscard]] bool struck() const;
    /// Bytes that passed, of all connections.
    [[nodiscard]] std::size_t passed(Fault::Direction direction) const;
    [[nodiscard]] int connections() const { return connections_; }

  private:
    struct Link;
    void accept(const std::stop_token& stop);
    void carry(const std::stop_token& stop, const Link& link);
    bool pass(const std::stop_token& stop, const Link& link, Fault::Direction direction);
    /// How much of a piece may pass, and the fault when it strikes behind that.
    std::optional<Fault> admit(Fault::Direction direction, std::size_t& size);

    int server_port_, port_ = 0;
    Fd listener_;
    std::atomic<int> connections_ = 0;
    mutable std::mutex mutex_; ///< of what follows
    std::optional<Fault> fault_;
    std::size_t passed_[2] = {0, 0};
    std::vector<std::jthread> links_;
    std::jthread accepting_;
};

} // namespace hadeploy::test
