#pragma once

#include "engine/drift.h"

#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace hadeploy::cli {

/// Something that a watch reports, as one line and one entry of a webhook's message.
struct WatchEvent {
    enum class Kind {
        drift,
        pending,
        unreadable,
        in_sync,   ///< in sync again
        failed,    ///< nothing could be compared
        recovered, ///< the first comparison after `failed`
        repaired,
        repair_failed,
        repair_postponed, ///< another run holds the lock
    };
    Kind kind = Kind::drift;
    std::string address; ///< "" if it is about the whole project
    std::string text;    ///< "" if the kind says everything
};
using WatchEvents = std::vector<WatchEvent>;

/// "drift", "in_sync", ..., for programs.
std::string_view event_name(WatchEvent::Kind kind);
/// "drift: web: content differs". Secrets of the project are not removed yet.
std::string event_text(const WatchEvent& event);

/// What has changed since the last comparison.
WatchEvents changes_between(const std::map<std::string, Finding>& before,
                            const std::map<std::string, Finding>& now);

/// When a resource may be repaired: immediately, but after a failure only after a pause. The first
/// pause is as long as the interval of the rounds. Each further failure doubles the pause, up to an
/// hour.
class RepairPace {
  public:
    using Clock = std::chrono::steady_clock;
    [[nodiscard]] bool due(Clock::time_point now) const { return now >= next_; }
    void failed(Clock::time_point now, std::chrono::seconds interval);
    [[nodiscard]] std::chrono::seconds pause() const { return pause_; }

  private:
    std::chrono::seconds pause_{0}; ///< 0: no failure yet
    Clock::time_point next_{};
};

} // namespace hadeploy::cli
