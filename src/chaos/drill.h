#pragma once

#include "chaos/events.h"
#include "chaos/experiment.h"
#include "chaos/fault.h"
#include "chaos/gluster.h"
#include "chaos/report.h"

namespace hadeploy::chaos {

struct DrillOptions {
    Experiment experiment;
    bool force = false;                   ///< inject faults even if the quorum is at risk
    std::filesystem::path log;            ///< log of the writes; see ProberSettings::log
    std::filesystem::path directory = {}; ///< working directory of the experiment's processes
    Gluster* gluster = nullptr;
    MachineWatch::Read read_machine = {}; ///< for tests; see MachineWatch
};

/// An experiment that injects one fault.
Experiment single_fault(Fault fault);

/// Runs the method of an experiment and undoes its faults while it measures the app. After a fault
/// that is not in the background begins, the method waits until the tasks have moved. After the
/// fault ends, it waits for the steady state. Faults are always undone and rollbacks always run,
/// even after a stop request (the report is then `interrupted`). If this process dies, the armed
/// undo of each fault ends the fault.
/// @throws Error before the first fault: no steady state, quorum at risk, no such node, a probe of
/// the hypothesis that is not within its tolerance
/// @throws Interrupted on a stop request before the first fault
Report run_drill(const Settings& settings, const DrillOptions& options, Cluster& cluster,
                 Injector& injector, DrillEvents& events, const std::stop_token& stop);

} // namespace hadeploy::chaos
