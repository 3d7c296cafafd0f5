#pragma once

#include "chaos/prober.h"
#include "chaos/report.h"

namespace hadeploy::chaos {

/// How a drill tells what it does. Calls come from the thread that runs it.
class DrillEvents {
  public:
    virtual ~DrillEvents() = default;
    /// What is waited for now: "waiting until the tasks of node2 run elsewhere".
    virtual void phase(std::string_view /*text*/) {}
    virtual void moment(const Moment& /*moment*/) {}
    /// Now and then: how the app does.
    virtual void app(Us /*at*/, const Prober::Live& /*live*/) {}
};

struct DrillOptions {
    std::string node;          ///< name of the node to drain
    bool force = false;        ///< go on where the quorum would be at risk
    std::filesystem::path log; ///< of the writes; see ProberSettings::log
};

/// Why a node should not be drained now.
struct Objection {
    std::string text, hint;
    bool can_be_forced = false;
};
std::vector<Objection> objections(const Snapshot& snapshot, const std::string& node);

/// Drains a node and puts it back, and measures the app all the while. Once the node is drained it
/// is put back whatever happens: also when `stop` is requested, which makes the report
/// `interrupted`; should we die, the timer set in the cluster does it.
/// @throws Error before the drain: no steady state, quorum at risk, no such node
/// @throws Interrupted when `stop` comes before the drain
Report run_drill(const Settings& settings, const DrillOptions& options, Cluster& cluster,
                 DrillEvents& events, const std::stop_token& stop);

} // namespace hadeploy::chaos
