#pragma once

#include <atomic>

namespace hadeploy {

/// Whether values depend on an input other than the spec, the state and the providers: a local file
/// that an expression or an attribute names, or the time. Any thread can set this while it computes
/// values. A result can be cached only if there is no such input.
class ExternalInputs {
  public:
    void note() { any_.store(true, std::memory_order_relaxed); }
    [[nodiscard]] bool any() const { return any_.load(std::memory_order_relaxed); }

  private:
    std::atomic<bool> any_ = false;
};

} // namespace hadeploy
