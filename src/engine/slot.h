#pragma once

#include "engine/active_run.h"

#include <chrono>
#include <utility>

namespace hadeploy {

/// One of the slots for concurrent operations. The destructor releases it.
class Slot {
  public:
    explicit Slot(ActiveRun& run) : run_(run) {}
    Slot(const Slot&) = delete;
    Slot& operator=(const Slot&) = delete;
    ~Slot() {
        const std::lock_guard lock(run_.mutex);
        give_back();
    }

    /// Waits for a slot, unless it already has one. Returns false when a stop was requested first.
    bool take() {
        std::unique_lock lock(run_.mutex);
        if (taken_) return true;
        const std::size_t turn = run_.slots.asked++;
        while (!run_.stopping()) {
            if (turn < run_.slots.given_back + run_.slots.count) return taken_ = true;
            // the timeout limits the delay of a stop by a signal
            run_.slots.freed.wait_for(lock, std::chrono::milliseconds(200));
        }
        return false;
    }

    /// Must be called with the mutex held.
    void give_back() {
        if (!std::exchange(taken_, false)) return;
        ++run_.slots.given_back;
        run_.slots.freed.notify_all();
    }

  private:
    ActiveRun& run_;
    bool taken_ = false;
};

} // namespace hadeploy
