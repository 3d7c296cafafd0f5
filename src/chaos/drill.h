#pragma once

#include "chaos/prober.h"
#include "chaos/report.h"

namespace hadeploy::chaos {

/// Reports the progress of a drill. Called from the thread that runs it.
class DrillEvents {
  public:
    virtual ~DrillEvents() = default;
    /// The current activity: "waiting until the tasks of node2 run elsewhere".
    virtual void phase(std::string_view /*text*/) {}
    virtual void moment(const Moment& /*moment*/) {}
    /// The current health of the app, called regularly.
    virtual void app(Us /*at*/, const Prober::Live& /*live*/) {}
};

struct DrillOptions {
    std::string node;          ///< name of the node to drain
    bool force = false;        ///< drain even if the quorum is at risk
    std::filesystem::path log; ///< log of the writes; see ProberSettings::log
};

/// A reason not to drain a node now.
struct Objection {
    std::string text, hint;
    bool can_be_forced = false;
};
std::vector<Objection> objections(const Snapshot& snapshot, const std::string& node);

/// Drains a node and restores it, and measures the app meanwhile. A drained node is always
/// restored, also after a stop request (the report is then `interrupted`) and by a timer in the
/// cluster if this process dies.
/// @throws Error before the drain: no steady state, quorum at risk, no such node
/// @throws Interrupted on a stop request before the drain
Report run_drill(const Settings& settings, const DrillOptions& options, Cluster& cluster,
                 DrillEvents& events, const std::stop_token& stop);

} // namespace hadeploy::chaos
