#include "chaos/measure.h"

#include <doctest/doctest.h>

using namespace hadeploy::chaos;
using namespace std::chrono_literals;

namespace {
Sample read_at(Us intended, Us took, Outcome outcome = Outcome::ok) {
    return {Kind::read, outcome,         0,
            intended,   intended + took, outcome == Outcome::ok ? "" : "timeout"};
}
} // namespace

TEST_CASE("latencies count from the time when a request was due; percentiles by nearest rank") {
    std::vector<Sample> samples;
    for (int i = 1; i <= 100; ++i) samples.push_back(read_at(i * 100ms, i * 1ms));
    const Series reads = measure(samples, 11s, 1).reads;
    CHECK(reads.p50 == 50ms);
    CHECK(reads.p90 == 90ms);
    CHECK(reads.p99 == 99ms);
    CHECK(reads.max == 100ms);
    CHECK(reads.ok == 100);
}

TEST_CASE("the longest gap may lie between successes, before the first or after the last") {
    CHECK(
        measure({read_at(0ms, 1ms), read_at(5s, 1ms), read_at(6s, 1ms)}, 7s, 1).reads.gap.length ==
        5s);
    CHECK(measure({read_at(4s, 1ms), read_at(6s, 1ms)}, 7s, 1).reads.gap.from == 0s);
    const Gap end = measure({read_at(1s, 0ms)}, 9s, 1).reads.gap;
    CHECK(end.from == 1s);
    CHECK(end.length == 8s);
    CHECK(measure({}, 9s, 1).writes.gap.length == 9s);
}

TEST_CASE("a failure does not end a gap, and a late success does only when it comes") {
    const std::vector<Sample> samples{read_at(0s, 0s), read_at(2s, 1s, Outcome::unknown),
                                      read_at(1s, 6s), read_at(8s, 0s)};
    CHECK(measure(samples, 8s, 1).reads.gap.length == 7s);
}

TEST_CASE(
    "failures are counted by second, by URL and by problem, for reads and writes separately") {
    std::vector<Sample> samples{read_at(500ms, 1ms), read_at(1500ms, 1ms, Outcome::fail)};
    samples.push_back({Kind::write, Outcome::unknown, 1, 1600ms, 2s, "HTTP 503"});
    const Measurement m = measure(samples, 3s, 2);
    CHECK(m.reads.failed == 1);
    CHECK(m.reads.unknown == 0);
    CHECK(m.reads.seconds.at(0).ok == 1);
    CHECK(m.reads.seconds.at(1).failed == 1);
    CHECK(m.reads.seconds.size() >= 3);
    CHECK(m.reads.failed_by_url == std::vector<std::size_t>{1, 0});
    CHECK(m.writes.unknown == 1);
    CHECK(m.writes.failed_by_url == std::vector<std::size_t>{0, 1});
    CHECK(m.writes.problems.at("HTTP 503") == 1);
}

TEST_CASE("lost = acknowledged - read, unexpected = read - attempted") {
    const Writes writes{{"c-1", Outcome::ok},
                        {"c-2", Outcome::ok},
                        {"c-3", Outcome::unknown},
                        {"c-4", Outcome::unknown},
                        {"c-5", Outcome::fail}};
    const SetCheck check = check_writes(writes, {"c-1", "c-3", "c-9", "somebody-else"}, "c-");
    CHECK(check.attempted == 5);
    CHECK(check.acknowledged == 2);
    CHECK(check.lost == std::vector<std::string>{"c-2"});
    CHECK(check.unexpected == std::vector<std::string>{"c-9"});
    CHECK(check.unknown == 2);
    CHECK(check.unknown_found == 1);
}
