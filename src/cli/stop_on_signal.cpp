#include "cli/stop_on_signal.h"

#include "cli/context.h"

#include <chrono>
#include <condition_variable>
#include <exception>
#include <mutex>

namespace hadeploy::cli {

/// Polls the flag, because a signal handler can only set one.
void StopOnSignal::watch(const std::stop_token& done) {
    constexpr auto interval = std::chrono::milliseconds(50);
    std::mutex mutex;
    std::condition_variable_any end;
    std::unique_lock lock(mutex);
    while (!done.stop_requested()) {
        if (stop_requested()) source_.request_stop();
        end.wait_for(lock, done, interval, [] { return false; });
    }
}

PlannedRun read_and_plan_or_stop(const Project& project, const Store& store,
                                 const PlanOptions& options, Events& events) {
    try {
        PlannedRun p = read_and_plan(project.plan_source(), store, options, events, stop_looking());
        if (!stop_requested()) return p;
    } catch (const std::exception&) { // errors of cancelled reads
        if (!stop_requested()) throw;
    }
    throw Interrupted();
}

} // namespace hadeploy::cli
