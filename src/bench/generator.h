#pragma once

#include "bench/load.h"

#include <functional>
#include <stop_token>

namespace hadeploy::bench {

/// One request. Times are relative to the start of the measurement.
struct Sample {
    /// When it was due. Latency counts from here, even if it was sent late. In a closed loop it is
    /// due when its client is free.
    Us intended{0};
    Us sent{0}, done{0};
    int status = 0;            ///< 0: no complete response
    std::uint32_t problem = 0; ///< index into Recording::problems
    std::uint32_t replica = 0; ///< index into Recording::replicas
    bool reused = false;       ///< sent over a connection of an earlier request

    [[nodiscard]] bool ok() const { return status >= 200 && status < 300; }
    [[nodiscard]] Us latency() const { return done - intended; }
};

/// What a measurement has recorded.
struct Recording {
    std::vector<Sample> samples; ///< in the order of their ends
    /// The first entry stands for none.
    std::vector<std::string> problems{""}, replicas{""};
    Us length{0}; ///< from the start until the last response
    bool interrupted = false;
    bool cut_off = false; ///< closed loop: the time was over before all requests were sent
};

/// Sends the requests and waits for their ends. After a stop request, pending requests are dropped.
/// @param progress  called about once a second with the number of finished requests
/// @throws Error(failed) for a request that libcurl cannot make
Recording generate(const Load& load, const std::stop_token& stop,
                   const std::function<void(std::size_t done)>& progress);

} // namespace hadeploy::bench
