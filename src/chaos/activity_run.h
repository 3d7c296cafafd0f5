#pragma once

#include "chaos/activity.h"
#include "chaos/meter.h"
#include "chaos/report.h"

#include <mutex>
#include <utility>

namespace hadeploy::chaos {

/// The lines that the processes of an experiment print. May be used from any thread.
class OutputLines {
  public:
    void add(Us at, std::string text);
    /// The lines since the last call.
    std::vector<Moment> take() {
        const std::lock_guard lock(mutex_);
        return std::exchange(lines_, {});
    }

  private:
    std::mutex mutex_;
    std::vector<Moment> lines_;
    std::size_t added_ = 0;
};

/// Runs an activity and compares the result with its tolerance. A failure is part of the result.
/// @param when  "before", "method", "after" or "rollback"
/// @param meter  measures the app; its clock gives the times
/// @param output  gets the lines of an action's process
/// @throws Interrupted
ActivityRun judged_run(ActivityRunner& runner, const Activity& activity, std::string when,
                       const std::stop_token& stop, const Meter& meter, OutputLines& output);

} // namespace hadeploy::chaos
