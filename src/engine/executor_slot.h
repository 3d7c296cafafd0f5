#pragma once

#include "engine/executor.h"

#include <chrono>
#include <utility>

namespace hadeploy {

/// One of the slots for concurrent operations. The destructor releases it.
class Executor::Slot {
  public:
    explicit Slot(Executor& executor) : executor_(executor) {}
    Slot(const Slot&) = delete;
    Slot& operator=(const Slot&) = delete;
    ~Slot() {
        const std::lock_guard lock(executor_.mutex_);
        give_back();
    }

    /// Waits for a slot unless it has one; returns false when a stop was requested first.
    bool take() {
        std::unique_lock lock(executor_.mutex_);
        if (taken_) return true;
        const std::size_t turn = executor_.slots_asked_++;
        while (!executor_.stopping()) {
            if (turn < executor_.slots_given_back_ + executor_.slots_) return taken_ = true;
            // the timeout limits the delay of a stop by a signal
            executor_.slot_given_back_.wait_for(lock, std::chrono::milliseconds(200));
        }
        return false;
    }

    /// Must be called with the lock held.
    void give_back() {
        if (!std::exchange(taken_, false)) return;
        ++executor_.slots_given_back_;
        executor_.slot_given_back_.notify_all();
    }

  private:
    Executor& executor_;
    bool taken_ = false;
};

} // namespace hadeploy
