#pragma once

#include "provider_api/schema.h"

#include <chrono>
#include <optional>

namespace hadeploy::chaos {

using Ms = std::chrono::milliseconds;

/// The settings of a drill: the spec's `chaos` section.
struct Settings {
    Value hosts; ///< map of connections: the swarm's managers
    std::vector<std::string> urls;
    bool failover = false;
    std::string read, write, body, verify;
    int rate = 10;  ///< highest reads per second, and as many writes
    int load = 100; ///< percentage of the highest rate that the app sustains
    Ms ramp{0};     ///< length of a step of the calibration; 0: no calibration
    Ms well_p99{0}; ///< highest latency at a rate that the app sustains
    Ms timeout{0};  ///< of one request
    Ms baseline{0}; ///< measurement before the fault
    Ms hold{0};     ///< time between the move of the tasks and the end of the fault
    Ms settle{0};   ///< time without an error after which the app counts as steady
    Ms patience{0}; ///< limit for each wait
    Ms poll{0};     ///< between two reads of the cluster
    Ms max_gap{0};
    std::int64_t max_lost = 0;
    double max_failed_percent = 100;        ///< of the reads, and of the writes
    std::optional<std::int64_t> max_failed; ///< requests
    std::optional<Ms> max_reschedule, max_steady;
};

/// The schema of the `chaos` section.
const Schema& settings_schema();

/// Checks beyond the schema: URLs, paths, `$ID` in the body. Unknown values are accepted.
void check_settings(const Value& section, Diagnostics& diagnostics);

/// Converts the section, which settings_schema() has normalized.
Settings parse_settings(const Value& section);

/// The URLs that are not at the address of this node. A fault switches the node off, so the node
/// cannot answer, and the drill measures the app at the other nodes. All URLs if none would be
/// left.
std::vector<std::string> urls_without(const Settings& settings, const std::string& node);

} // namespace hadeploy::chaos
