#pragma once

#include "cli/project.h"
#include "engine/events.h"

#include <stop_token>
#include <thread>

namespace hadeploy::cli {

/// Turns the first Ctrl-C into a stop request during its lifetime.
class StopOnSignal {
  public:
    StopOnSignal() : watcher_([this](const std::stop_token& done) { watch(done); }) {}
    [[nodiscard]] std::stop_token token() const { return source_.get_token(); }

  private:
    void watch(const std::stop_token& done);

    std::stop_source source_;
    std::jthread watcher_;
};

/// read_and_plan() that the first Ctrl-C cancels.
/// @throws Error, Interrupted
PlannedRun read_and_plan_or_stop(const Project& project, const Store& store,
                                 const PlanOptions& options, Events& events);

} // namespace hadeploy::cli
