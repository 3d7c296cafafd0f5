#pragma once

#include "bench/generator.h"

/// Figures of a recorded measurement. The functions are pure.
namespace hadeploy::bench {

/// Latencies, all 0 if there are none. Percentiles are those of chaos::percentile().
struct Latency {
    Us mean{0}, p50{0}, p90{0}, p95{0}, p99{0}, max{0};
};
Latency latency_of(std::vector<Us> latencies);

/// The complete responses with one status code, or of one replica.
struct Group {
    std::string name;
    std::size_t count = 0;
    std::size_t failed = 0; ///< not 2xx
    Latency latency;        ///< of a code: of all its responses; of a replica: of the 2xx
};

/// The requests that were due in the same second of the measurement.
struct Second {
    std::size_t ok = 0, failed = 0;
    Us p50{0}, p99{0}, max{0}; ///< latency of the ok ones
};

struct Figures {
    Us length{0};
    std::size_t sent = 0; ///< those that have ended
    std::size_t ok = 0;   ///< answered with 2xx
    std::size_t failed = 0;
    std::size_t connections = 0;                 ///< opened
    double rate = 0;                             ///< ok requests per second
    Latency latency;                             ///< of the ok ones
    std::vector<Group> codes;                    ///< by number
    std::vector<Group> replicas;                 ///< by name; empty if no response names one
    std::map<std::string, std::size_t> problems; ///< of requests without a complete response
    std::vector<Second> seconds;                 ///< contiguous, from the first second on
};

Figures figures_of(const Recording& recording);

} // namespace hadeploy::bench
