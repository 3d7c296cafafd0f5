#pragma once

#include "database/engine.h"

namespace hadeploy::svc {

/// Tells the logger, in the background, of every committed write. What the logger has is asked
/// of the logger itself whenever the connection is new, so no line is lost or doubled, however
/// often either side is killed.
class Forwarder {
  public:
    Forwarder(Engine& engine, const Endpoint& logger);
    ~Forwarder();

    /// Begins no further delivery; what is left is delivered after the next start.
    void stop() { stopping_ = true; }

  private:
    void work();
    void forward_all();

    Engine& engine_;
    RpcClient client_;
    std::atomic<bool> stopping_ = false;
    std::thread worker_;
};

} // namespace hadeploy::svc
