#pragma once

#include <atomic>
#include <cstdint>

namespace hadeploy::aws {

/// Requests to AWS by this process, without repetitions.
struct Counters {
    std::atomic<std::int64_t> reads = 0, changes = 0;
};
inline Counters& counters() {
    static Counters all;
    return all;
}

} // namespace hadeploy::aws
