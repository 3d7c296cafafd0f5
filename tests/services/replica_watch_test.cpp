#include "common/replica_watch.h"

#include <doctest/doctest.h>
#include <random>
#include <utility>
#include <vector>

using namespace hadeploy::svc;
using std::chrono::seconds;

namespace {

/// A watch of `replicas`, and a clock that stands still.
struct Watched {
    explicit Watched(std::size_t count) : replicas(count) {}

    /// Whether a check after this time is due.
    bool after(seconds pause) { return watch.is_due(now += pause); }
    /// The seconds at which the watch is due, checked every second up to `last`.
    std::vector<int> due_until(int last) {
        std::vector<int> due;
        for (int second = 1; second <= last; ++second)
            if (after(seconds(1))) due.push_back(second);
        return due;
    }

    std::size_t replicas;
    Deadline now{};
    ReplicaWatch watch{[this] { return replicas; }, now};
};

} // namespace

TEST_CASE("ReplicaWatch: files are opened again after increasing pauses, then regularly") {
    Watched at(3);
    CHECK(at.due_until(1600) == std::vector{10, 30, 90, 330, 930, 1530});
}

TEST_CASE("ReplicaWatch: a replica that comes back is due at once, a lost one is not") {
    Watched at(3);
    at.due_until(1530);
    at.replicas = 2;
    CHECK_FALSE(at.after(seconds(1)));
    at.replicas = 3;
    CHECK_FALSE(at.after(seconds(0))); // at most one query per second
    CHECK(at.after(seconds(1)));
    CHECK(at.due_until(100) == std::vector{10, 30, 90});
}

TEST_CASE(
    "ReplicaWatch: nothing is due on a file system without replicas, or without any of them") {
    Watched at(0);
    CHECK(at.due_until(1000).empty());
    at.replicas = 3; // the volume was away as a whole
    CHECK(at.after(seconds(1)));
}

TEST_CASE("ReplicaWatch: files are opened again soon after any loss") {
    for (unsigned seed = 0; seed < 50; ++seed) {
        std::mt19937 random(seed);
        Watched at(3);
        for (int change = 0; change < 20; ++change) {
            const std::size_t before = std::exchange(at.replicas, random() % 3 + 1);
            CHECK((at.replicas > before) <= at.after(seconds(1)));
            if (at.replicas > before) CHECK_FALSE(at.due_until(10).empty());
        }
    }
}
