#pragma once

#include "planner/plan/plan.h"

#include <string_view>

namespace hadeploy {

/// The engine's reports to the user. Calls come from any thread, but never concurrently.
class Events {
  public:
    virtual ~Events() = default;
    /// `resources` resources are being read at an endpoint.
    virtual void reading(std::string_view /*endpoint*/, std::size_t /*resources*/) {}
    /// An endpoint is not readable yet; `what` describes the condition it waits for.
    virtual void waiting(std::string_view /*endpoint*/, std::string_view /*what*/) {}
    virtual void step_started(const Step& /*step*/, std::string_view /*doing*/) {}
    virtual void step_progress(const Step& /*step*/, std::string_view /*text*/) {}
    virtual void step_done(const Step& /*step*/, StepResult /*result*/,
                           std::int64_t /*milliseconds*/) {}
    virtual void step_failed(const Step& /*step*/, const Error& /*error*/,
                             std::int64_t /*milliseconds*/) {}
};

} // namespace hadeploy
