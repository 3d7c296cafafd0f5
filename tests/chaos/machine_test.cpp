#include "chaos/machine.h"

#include <algorithm>
#include <doctest/doctest.h>

using namespace hadeploy::chaos;
using namespace std::chrono_literals;

namespace {

constexpr std::string_view kStat = "cpu  100 0 50 800 10 5 5 30 7 0\n"
                                   "cpu0 50 0 25 400 5 2 3 15 3 0\n"
                                   "cpu1 50 0 25 400 5 3 2 15 4 0\n"
                                   "intr 12345\n";

MachineSample sample(Us at, double total, double stolen, Us waiting, double load = 0.5) {
    return {at, total, stolen, waiting, load};
}

Sample sent_late(Us by) {
    return {Kind::read, Outcome::ok, 0, 1s, 1s + by, "", 1s + by};
}

std::string all(const std::vector<std::string>& lines) {
    std::string out;
    for (const std::string& line : lines) out += line + "\n";
    return out;
}

} // namespace

TEST_CASE("the kernel's files: steal, pressure, load per processor") {
    const MachineSample s =
        parse_machine(3s, kStat, "some avg10=1.53 avg60=0.87 avg300=0.73 total=4500000\nfull ...",
                      "3.00 1.00 0.50 2/345 6789\n");
    CHECK(s.at == 3s);
    CHECK(s.total == 1000);
    CHECK(s.stolen == 30);
    CHECK(s.waiting == 4500ms);
    CHECK(s.load == 1.5);

    const MachineSample none = parse_machine(0s, "", "", "");
    CHECK_FALSE(none.waiting);
    CHECK(none.total == 0);
    CHECK(use_of({none, none}).steal == 0);
}

TEST_CASE("the worst ten seconds count, not the average") {
    std::vector<MachineSample> samples;
    for (int i = 0; i <= 60; ++i) {
        // from 20 s to 30 s, half of the time is stolen and processes wait for 9 of 10 s
        const int busy = std::clamp(i - 20, 0, 10);
        samples.push_back(sample(i * 1s, i * 200, busy * 100, busy * 900ms));
    }
    const MachineUse use = use_of(samples);
    CHECK(use.steal == doctest::Approx(0.5));
    REQUIRE(use.waiting);
    CHECK(*use.waiting == doctest::Approx(0.9));
}

TEST_CASE("a measurement of less than ten seconds is one part") {
    const MachineUse use = use_of({sample(0s, 100, 0, 0s), sample(2s, 300, 20, 1s)});
    CHECK(use.steal == doctest::Approx(0.1));
    CHECK(*use.waiting == doctest::Approx(0.5));
    CHECK(use_of({}).steal == 0);
}

TEST_CASE("figures are doubted when a limit is exceeded, each with its reason") {
    MachineUse use;
    use.waiting = 0.1;
    CHECK(doubts_about(use).empty());

    use.steal = kMostSteal;
    use.waiting = kMostWaiting;
    use.late_p99 = kMostLateP99;
    use.late_max = kMostLate;
    CHECK(doubts_about(use).empty()); // the limits themselves are allowed
    use.steal = 0.2;
    use.waiting = 0.75;
    use.late_p99 = 130ms;
    use.late_max = 4s;
    const std::string said = all(doubts_about(use));
    CHECK(doubts_about(use).size() == 4);
    CHECK(said.find("took 20 % of the processor time") != said.npos);
    CHECK(said.find("for 75 % of 10 s (limit: 50 %)") != said.npos);
    CHECK(said.find("one of 100 requests was sent 130 ms or more after it was due") != said.npos);
    CHECK(said.find("a request was sent 4000 ms after it was due (limit: 1000 ms)") != said.npos);
}

TEST_CASE("the load average decides only on a kernel without pressure") {
    MachineUse use;
    use.load = 5;
    CHECK(all(doubts_about(use)).find("load average per processor was 5.0") != std::string::npos);
    use.waiting = 0.01; // the load can be processes that wait for a disk
    CHECK(doubts_about(use).empty());
}

TEST_CASE("the delay of sending is measured, not that of responses") {
    std::vector<Sample> samples(98, sent_late(1ms));
    samples.push_back(sent_late(300ms));
    samples.push_back(sent_late(2s));
    samples.push_back({Kind::write, Outcome::ok, 0, 1s, 60s, "", 1s}); // a slow response
    MachineUse use;
    add_delays(use, samples);
    CHECK(use.late_p99 == 300ms);
    CHECK(use.late_max == 2s);
}

TEST_CASE("the machine is sampled at the start and at the end at least") {
    int reads = 0;
    MachineWatch watch([&](const std::string& path) {
        ++reads;
        return path == "/proc/stat" ? std::string(kStat) : std::string();
    });
    const std::vector<MachineSample> samples = watch.stop();
    CHECK(samples.size() >= 2);
    CHECK(samples.front().total == 1000);
    CHECK(reads >= 6);
    CHECK(MachineWatch().stop().front().total > 0); // of this machine
}
