#pragma once

#include <atomic>

namespace hadeploy {

/// Whether values depend on something outside of the spec, the state and the providers: a local
/// file named by an expression or an attribute, or the time. Noted while they are computed, by any
/// thread. A result can be cached only if there is nothing of that kind.
class ExternalInputs {
  public:
    void note() { any_.store(true, std::memory_order_relaxed); }
    [[nodiscard]] bool any() const { return any_.load(std::memory_order_relaxed); }

  private:
    std::atomic<bool> any_ = false;
};

} // namespace hadeploy
