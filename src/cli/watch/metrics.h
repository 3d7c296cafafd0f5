#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>

namespace hadeploy::cli {

/// What a watch has counted, for Prometheus.
struct Metrics {
    std::string project;
    std::uint64_t rounds = 0;        ///< all rounds
    std::uint64_t failed_rounds = 0; ///< nothing could be compared
    double last_round = 0;           ///< end of the last round, in seconds of Unix time
    double duration = 0;             ///< of the last round, in seconds
    bool compared = false;           ///< the last round did not fail
    /// By condition, at the last comparison; empty before the first one.
    std::map<std::string, std::size_t> resources;
    std::map<std::string, bool> machines;           ///< by address: whether it accepts logins
    std::uint64_t repaired = 0, repairs_failed = 0; ///< resources
};

/// The metrics in the text format 0.0.4 of Prometheus.
std::string prometheus_text(const Metrics& metrics);

} // namespace hadeploy::cli
