#pragma once

#include <chrono>
#include <cstddef>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

/// Results of measuring an app from outside. The functions are pure.
namespace hadeploy::chaos {

using Us = std::chrono::microseconds;

enum class Kind { read, write };

enum class Outcome {
    ok,      ///< successful response: a write is acknowledged
    fail,    ///< certainly not done: it did not reach the app, or the app refused it
    unknown, ///< sent, but without a response that tells whether it was done
};

/// One request. Times are relative to the start of the measurement.
struct Sample {
    Kind kind = Kind::read;
    Outcome outcome = Outcome::ok;
    std::size_t url = 0; ///< index into the probed URLs
    Us intended{0};      ///< when it was due; latency counts from here, even if it was sent late
    Us done{0};
    std::string problem = {}; ///< "" if ok; otherwise "timeout", "HTTP 503", ...
    Us sent{0};               ///< later than `intended` if this machine was busy
    bool failed_over = false; ///< no connection to its first URL could be opened
};

/// The requests that were due in the same second of the measurement.
struct Second {
    std::size_t ok = 0, failed = 0;
    Us slowest{0}; ///< latency, of the ok ones
};

/// The longest time without a success.
struct Gap {
    Us from{0};
    Us length{0};
};

/// The nearest-rank percentile: the smallest value such that at least `share` of the values are not
/// above it; 0 if there are no values.
Us percentile(const std::vector<Us>& sorted, double share);

/// All requests of one kind.
struct Series {
    std::size_t sent = 0, ok = 0;
    std::size_t failed = 0;            ///< all but the ok ones
    std::size_t unknown = 0;           ///< failed with an unknown outcome
    std::size_t failed_over = 0;       ///< sent to a different URL than the one that was due
    Us p50{0}, p90{0}, p99{0}, max{0}; ///< latency of the ok ones
    Gap gap;
    std::vector<Second> seconds;                 ///< contiguous, from the first second on
    std::map<std::string, std::size_t> problems; ///< how often each problem occurred
    std::vector<std::size_t> failed_by_url;
};

struct Measurement {
    Us length{0};
    Series reads, writes;
};

/// @param length  of the measurement; the end of the measurement ends a gap
Measurement measure(const std::vector<Sample>& samples, Us length, std::size_t urls);

/// The requests of one kind that were due in a part of the measurement.
struct Part {
    std::size_t sent = 0, failed = 0;
    Us p99{0}; ///< latency of the ok ones
};
/// @param from, to  a half-open range
Part part_of(const std::vector<Sample>& samples, Kind kind, Us from, Us to);

/// The attempted writes, by ID.
using Writes = std::map<std::string, Outcome>;

/// Compares the attempted writes with the final read. Only IDs with the drill's own prefix count:
/// other clients may write too.
struct SetCheck {
    std::size_t attempted = 0, acknowledged = 0;
    std::size_t unknown = 0;             ///< outcome unknown ...
    std::size_t unknown_found = 0;       ///< ... and found by the final read
    std::vector<std::string> lost;       ///< acknowledged - read
    std::vector<std::string> unexpected; ///< read - attempted
};
SetCheck check_writes(const Writes& writes, const std::set<std::string>& read,
                      std::string_view prefix);

} // namespace hadeploy::chaos
