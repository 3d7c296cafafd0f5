#include "planner/lang/outside.h"

#include <atomic>

namespace hadeploy {

namespace {
std::atomic<std::uint64_t> looks = 0;
}

void note_outside_look() {
    looks.fetch_add(1, std::memory_order_relaxed);
}

std::uint64_t outside_looks() {
    return looks.load(std::memory_order_relaxed);
}

} // namespace hadeploy
