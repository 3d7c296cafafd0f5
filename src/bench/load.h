#pragma once

#include "chaos/measure.h"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace hadeploy::bench {

using chaos::Us;
using Ms = std::chrono::milliseconds;

/// A threshold for one figure: `rate` has to be at least `value`, the others at most `value`.
struct Limit {
    std::string figure; ///< one of figure_names()
    double value = 0;   ///< milliseconds; for `rate` requests per second; for `failed` percent
};

/// mean, p50, ..., failed, rate
const std::vector<std::string>& figure_names();

/// The requests of one measurement, and its limits.
///
/// In a closed loop, `concurrency` clients each send their next request when the last one has
/// ended. With `rate`, the loop is open: requests are sent at a constant rate and do not wait for
/// earlier responses.
struct Load {
    std::string name;
    std::vector<std::string> urls; ///< requested in turn
    std::string method = "GET";
    std::map<std::string, std::string> headers;
    std::optional<std::string> body;
    std::int64_t requests = 100; ///< closed loop
    int concurrency = 10;        ///< closed loop
    std::optional<double> rate;  ///< requests per second; none: closed loop
    /// Open loop: for how long requests are sent. Closed loop: after this time no more are sent.
    Ms duration{0};
    Ms timeout{5'000}; ///< of one request, from its sending
    bool keep_alive = false;
    std::string replica_header = "X-Served-By"; ///< has the name of the replica; "": none
    /// Key of the response's JSON object with the name of the replica, instead of the header.
    std::string replica_key;
    std::vector<Limit> limits;
    std::vector<std::string> before; ///< a command that is run first, without a shell
};

/// Limits of what a single measurement may ask for, so that a typing error does not become an
/// attack.
inline constexpr std::int64_t kMostRequests = 1'000'000;
inline constexpr int kMostConcurrency = 500;
inline constexpr int kMostRate = 5'000;
inline constexpr Ms kMostDuration = std::chrono::hours(1);
inline constexpr Ms kOpenDuration = std::chrono::seconds(10);   ///< default
inline constexpr Ms kClosedDuration = std::chrono::seconds(60); ///< default

} // namespace hadeploy::bench
