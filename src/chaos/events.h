#pragma once

#include "chaos/prober.h"
#include "chaos/report.h"

namespace hadeploy::chaos {

/// Reports the progress of a drill. Called on the thread that runs the drill.
class DrillEvents {
  public:
    virtual ~DrillEvents() = default;
    /// The current activity: "waiting until the tasks of node2 run elsewhere".
    virtual void phase(std::string_view /*text*/) {}
    virtual void moment(const Moment& /*moment*/) {}
    /// The current health of the app, called regularly.
    virtual void app(Us /*at*/, const Prober::Live& /*live*/) {}
};

} // namespace hadeploy::chaos
