#pragma once

#include <cstdint>

namespace hadeploy::ssh {

/// Connections and execs of this process so far, to report the cost of a run and to test that each
/// host gets one exec.
struct Counters {
    std::uint64_t connections = 0;
    std::uint64_t execs = 0;
};
Counters counters();

void count_connection();
void count_exec();

} // namespace hadeploy::ssh
