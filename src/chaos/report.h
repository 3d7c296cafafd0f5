#pragma once

#include "chaos/cluster.h"
#include "chaos/measure.h"
#include "chaos/settings.h"

namespace hadeploy::chaos {

/// Something that happened, for people.
struct Moment {
    Us at{0}; ///< since the measurement began
    std::string text;
};

/// One thing that was promised, and what came of it.
struct Threshold {
    std::string name;
    std::string limit; ///< "10 s", "0", "yes"
    std::string value;
    bool ok = false;
};

/// What a drill found out. Times of phases count from the start of the measurement.
struct Report {
    std::string node;
    std::string app; ///< the URLs, for people
    bool interrupted = false;
    Us drained_at{0};
    std::optional<Us> restored_at; ///< none: it could not be put back
    std::optional<Us> detected;    ///< from the drain until the swarm began to move the first task
    std::optional<Us> rescheduled; ///< from the drain until all tasks ran elsewhere
    std::optional<Us> steady;      ///< from the node's return until all was as before
    std::size_t tasks_moved = 0;
    Measurement measured;
    std::optional<SetCheck> writes; ///< none: there was no last read, so nothing is proven
    std::vector<std::string> notes; ///< what went wrong with the drill itself
    std::vector<Moment> timeline;
    std::map<std::string, std::string> before, drained, after; ///< task -> node
    std::vector<Threshold> thresholds;

    /// Every threshold is kept, and the drill came to its end.
    [[nodiscard]] bool passed() const;
};

/// Compares what was found with what the settings allow.
std::vector<Threshold> judge(const Report& report, const Settings& settings);

/// One JSON object. Times are in milliseconds.
std::string to_json(const Report& report);

/// For a terminal: the verdict, the figures, the timeline. Plain ASCII, lines of at most 100
/// columns as long as names are short. Ends with a line end.
std::string render(const Report& report);

/// "820 ms", "12.3 s", "2 min 5 s"
std::string show_time(Us time);

} // namespace hadeploy::chaos
