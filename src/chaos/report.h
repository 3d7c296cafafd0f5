#pragma once

#include "chaos/cluster.h"
#include "chaos/measure.h"
#include "chaos/settings.h"

namespace hadeploy::chaos {

/// An event of the timeline, for display.
struct Moment {
    Us at{0}; ///< since the start of the measurement
    std::string text;
};

/// One criterion of the drill and its result.
struct Threshold {
    std::string name;
    std::string limit; ///< "10 s", "0", "yes"
    std::string value;
    bool ok = false;
};

/// The result of a drill. Times of phases are relative to the start of the measurement.
struct Report {
    std::string node;
    std::string app; ///< the URLs, for display
    bool interrupted = false;
    Us drained_at{0};
    std::optional<Us> restored_at; ///< none: it could not be restored
    std::optional<Us> detected;    ///< from the drain until the first task began to move
    std::optional<Us> rescheduled; ///< from the drain until all tasks ran elsewhere
    std::optional<Us> steady;      ///< from the node's return until the steady state
    std::size_t tasks_moved = 0;
    Measurement measured;
    std::optional<SetCheck> writes; ///< none: no final read, so the writes are not verified
    std::vector<std::string> notes; ///< problems of the drill itself
    std::vector<Moment> timeline;
    std::map<std::string, std::string> before, drained, after; ///< task -> node
    std::vector<Threshold> thresholds;

    /// Whether every threshold is met and the drill was completed.
    [[nodiscard]] bool passed() const;
};

/// Compares the results with the thresholds of the settings.
std::vector<Threshold> judge(const Report& report, const Settings& settings);

/// The report as one JSON object. Times are in milliseconds.
std::string to_json(const Report& report);

/// The report for a terminal: verdict, figures, timeline. Plain ASCII; lines have at most 100
/// columns if names are short. Ends with a line break.
std::string render(const Report& report);

/// "820 ms", "12.3 s", "2 min 5 s"
std::string show_time(Us time);

} // namespace hadeploy::chaos
