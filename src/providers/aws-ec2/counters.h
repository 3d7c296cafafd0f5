#pragma once

#include <atomic>
#include <cstdint>

namespace hadeploy::aws {

/// Number of requests to AWS by this process, not counting retries.
struct Counters {
    std::atomic<std::int64_t> reads = 0, changes = 0;
};
inline Counters& counters() {
    static Counters all;
    return all;
}

} // namespace hadeploy::aws
