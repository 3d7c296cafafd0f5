#include "providers/ssh/counters.h"

#include <atomic>

namespace hadeploy::ssh {

namespace {
std::atomic<std::uint64_t> connections{0};
std::atomic<std::uint64_t> execs{0};
} // namespace

Counters counters() {
    return {connections.load(), execs.load()};
}

void count_connection() {
    ++connections;
}

void count_exec() {
    ++execs;
}

} // namespace hadeploy::ssh
