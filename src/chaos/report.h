#pragma once

#include "chaos/calibrate.h"
#include "chaos/cluster.h"
#include "chaos/machine.h"
#include "chaos/measure.h"
#include "chaos/settings.h"

namespace hadeploy::chaos {

/// An event of the timeline, for display.
struct Moment {
    Us at{0}; ///< since the start of the measurement
    std::string text;
    bool output = false; ///< a line that a process printed
};

/// One criterion of the drill and its result.
struct Threshold {
    enum class Result {
        met,
        missed,
        not_measured, ///< the drill was interrupted before the measurement
    };
    std::string name;
    std::string limit; ///< "10 s", "0", "yes"
    std::string value;
    Result result = Result::missed;
    /// Whether a busy machine can explain a miss: true for times and for failed requests.
    bool timing = false;

    [[nodiscard]] bool ok() const { return result == Result::met; }
};

/// A fault of the drill. Times are relative to the start of the measurement.
struct FaultRun {
    std::string label; ///< "drain of node2"
    std::string node;
    Us began{0};
    std::optional<Us> ended;       ///< none: it has not been undone
    std::optional<Us> detected;    ///< from its start until the first task began to move
    std::optional<Us> rescheduled; ///< from its start until every service had its tasks again
    /// From the start of the fault until the end of the last failed request that was due during the
    /// fault.
    std::optional<Us> last_failed_read, last_failed_write;
    bool moves = true;     ///< whether the swarm moves the tasks off the node
    std::size_t tasks = 0; ///< number of tasks on the node before the fault
    Placement placement;   ///< before the end of the fault
};

/// A probe or an action of an experiment that was run.
struct ActivityRun {
    std::string name;
    std::string when; ///< "before", "method", "after", "rollback"
    Us at{0};
    std::string result;   ///< for display
    std::string problem;  ///< why it failed, or is not within its tolerance; ""
    bool judged = false;  ///< it has a tolerance, or it is an action
    bool measured = true; ///< false: the drill was interrupted before it ran
};

/// The requests before, during and after the faults.
struct Phase {
    std::string name;
    Us from{0}, to{0};
    Part reads, writes;
};

/// A change of the swarm's leader.
struct Leadership {
    Us at{0};
    std::string node; ///< "" if no manager is known to be the leader
};

enum class Verdict {
    passed,
    failed,
    inconclusive, ///< the only misses are explained by this machine, which was busy
    interrupted,
};

/// The result of a drill. Times of phases are relative to the start of the measurement.
struct Report {
    std::string title; ///< "drain of node2", or the title of the experiment
    std::string app;   ///< the URLs, for display
    bool interrupted = false;
    std::vector<FaultRun> faults;
    std::optional<Us> steady; ///< from the end of the last fault until the steady state
    std::optional<Calibration> load;
    Measurement measured;
    std::vector<Phase> phases;      ///< see phases_of()
    std::optional<SetCheck> writes; ///< none: no final read, so the writes are not verified
    std::vector<ActivityRun> activities;
    std::vector<std::string> notes; ///< problems of the drill itself
    std::vector<Moment> timeline;
    Placement before, after;
    std::vector<Leadership> leaders; ///< the first entry is the leader before the faults
    MachineUse machine;
    std::vector<std::string> doubts; ///< why the figures cannot be trusted
    std::vector<Threshold> thresholds;

    [[nodiscard]] Verdict verdict() const;
    [[nodiscard]] bool passed() const { return verdict() == Verdict::passed; }
    /// Whether every fault has been undone.
    [[nodiscard]] bool undone() const;
};

/// @param doubts  why the figures cannot be trusted
Verdict verdict_of(const std::vector<Threshold>& thresholds, const std::vector<std::string>& doubts,
                   bool interrupted);

/// "PASSED", "FAILED", ...
std::string_view name_of(Verdict verdict);

/// How many requests were sent to a different URL than the one that was due; "" if there are none.
std::string failover_text(const Measurement& measured);

/// The measured phases: before, during and after the faults.
std::vector<Phase> phases_of(const Report& report, const std::vector<Sample>& samples);

/// Fills in the last failed read and write of each fault.
void add_last_failures(Report& report, const std::vector<Sample>& samples);

/// Compares the results with the thresholds of the settings.
std::vector<Threshold> judge(const Report& report, const Settings& settings);

/// "820 ms", "12.3 s", "2 min 5 s"
std::string show_time(Us time);

/// "steal 0 %, waiting for a processor 3 %, requests sent up to 2 ms late"
std::string machine_text(const MachineUse& use);

/// "0:12.3", for the timeline
std::string clock_time(Us at);

/// "node1", "node1, from 0:12.3 node3"; "" if no leader is known.
std::string leadership_text(const std::vector<Leadership>& leaders);

} // namespace hadeploy::chaos
