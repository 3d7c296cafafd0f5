#pragma once

#include "database/engine.h"

namespace hadeploy::svc {

/// Sends every committed write to the logger, in the background. On each new connection the logger
/// reports its last write, so no line is lost or duplicated when either side is killed.
class Forwarder {
  public:
    Forwarder(Engine& engine, const Endpoint& logger);
    ~Forwarder();

    /// Starts no further delivery; the rest is delivered after the next start.
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
