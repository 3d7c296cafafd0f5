#pragma once

#include <chrono>
#include <cstddef>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

/// What came of measuring an app from outside. Everything here is pure.
namespace hadeploy::chaos {

using Us = std::chrono::microseconds;

enum class Kind { read, write };

enum class Outcome {
    ok,      ///< answered with success: a write is acknowledged
    fail,    ///< certainly not done: it never reached the app, or the app refused it
    unknown, ///< sent, but the answer is missing or leaves open whether it was done
};

/// One request. Times count from the start of the measurement.
struct Sample {
    Kind kind = Kind::read;
    Outcome outcome = Outcome::ok;
    std::size_t url = 0; ///< index into the probed URLs
    Us intended{0};      ///< when it was due; its latency counts from here, sent late or not
    Us done{0};
    std::string problem = {}; ///< "" if ok: "timeout", "HTTP 503", ...
};

/// What was due within one second of the measurement.
struct Second {
    std::size_t ok = 0, failed = 0;
    Us slowest{0}; ///< of the ok ones
};

/// The longest time without one success.
struct Gap {
    Us from{0};
    Us length{0};
};

/// All requests of one kind.
struct Series {
    std::size_t sent = 0, ok = 0;
    std::size_t failed = 0;            ///< all that were not ok
    std::size_t unknown = 0;           ///< those of the failed whose outcome is not known
    Us p50{0}, p90{0}, p99{0}, max{0}; ///< latency of the ok ones
    Gap gap;
    std::vector<Second> seconds;                    ///< without holes, from the first second on
    std::map<std::string, std::size_t> diagnostics; ///< how often each
    std::vector<std::size_t> failed_by_url;
};

struct Measurement {
    Us length{0};
    Series reads, writes;
};

/// @param length  of the measurement; a gap may reach up to its end
Measurement measure(const std::vector<Sample>& samples, Us length, std::size_t urls);

/// The writes that were attempted, by their ids.
using Writes = std::map<std::string, Outcome>;

/// Whether what was written is what is read in the end. Only ids that begin with the drill's own
/// prefix are looked at: other people write too.
struct SetCheck {
    std::size_t attempted = 0, acknowledged = 0;
    std::size_t unknown = 0;             ///< outcome not known ...
    std::size_t unknown_found = 0;       ///< ... and there in the end
    std::vector<std::string> lost;       ///< acknowledged - read
    std::vector<std::string> unexpected; ///< read - attempted
};
SetCheck check_writes(const Writes& writes, const std::set<std::string>& read,
                      std::string_view prefix);

} // namespace hadeploy::chaos
