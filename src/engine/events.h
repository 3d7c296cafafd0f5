#pragma once

#include "planner/plan/plan.h"

#include <string_view>

namespace hadeploy {

/// The engine's only way out to the user. Calls come from any thread, one at a time.
class Events {
  public:
    virtual ~Events() = default;
    /// `resources` resources are being read at an endpoint.
    virtual void reading(std::string_view /*endpoint*/, std::size_t /*resources*/) {}
    /// Nothing can be read there yet: what is waited for.
    virtual void waiting(std::string_view /*endpoint*/, std::string_view /*what*/) {}
    virtual void step_started(const Step& /*step*/, std::string_view /*doing*/) {}
    virtual void step_progress(const Step& /*step*/, std::string_view /*text*/) {}
    /// `result`: what became of it, as in StepRecord::result.
    virtual void step_done(const Step& /*step*/, std::string_view /*result*/,
                           std::int64_t /*milliseconds*/) {}
    virtual void step_failed(const Step& /*step*/, const Error& /*error*/,
                             std::int64_t /*milliseconds*/) {}
};

} // namespace hadeploy
