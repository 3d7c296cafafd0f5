#include "planner/lang/external_inputs.h"

#include <atomic>

namespace hadeploy {

namespace {
std::atomic<std::uint64_t> looks = 0;
}

void note_external_input() {
    looks.fetch_add(1, std::memory_order_relaxed);
}

std::uint64_t external_inputs() {
    return looks.load(std::memory_order_relaxed);
}

} // namespace hadeploy
