#include "chaos/calibrate.h"

#include <doctest/doctest.h>

using namespace hadeploy::chaos;
using namespace std::chrono_literals;

namespace {

/// An app that sustains a rate and gets slow above it.
struct App {
    int carries;
    std::vector<int> tried = {};

    Measurement operator()(int rate) {
        tried.push_back(rate);
        Measurement m;
        m.reads.sent = m.writes.sent = static_cast<std::size_t>(rate);
        m.writes.p99 = rate > carries ? 3s : 20ms;
        return m;
    }
};

Calibration calibrated(App& app, int rate, int share) {
    return calibrate(rate, share, 1s, [&](int tried) { return app(tried); });
}

} // namespace

TEST_CASE("a rate is sustained without failures and within the latency") {
    Measurement m;
    m.reads.sent = m.writes.sent = 10;
    m.reads.p99 = 1s;
    CHECK(overload(m, 1s) == "");
    m.writes.p99 = 1001ms;
    CHECK(overload(m, 1s) == "p99 of writes 1.0 s (limit: 1.0 s)");
    m.reads.failed = 2;
    CHECK(overload(m, 1s) == "2 of 10 reads failed");
}

TEST_CASE("the rate doubles only as far as the drill's rate needs") {
    App app{1000};
    const Calibration c = calibrated(app, 10, 50);
    CHECK(app.tried == std::vector<int>{5, 10, 20});
    CHECK(c.carried == 20);
    CHECK(c.used == 10);
    CHECK(c.text() ==
          "the app sustains 20 reads and 20 writes a second (higher rates were not tried); "
          "the drill uses 10 reads and 10 writes a second (the setting `rate`)");
}

TEST_CASE("an app that sustains less gets its share of that") {
    App app{60};
    const Calibration half = calibrated(app, 100, 50);
    CHECK(app.tried == std::vector<int>{50, 100});
    CHECK(half.carried == 50);
    CHECK(half.used == 25);
    CHECK(half.text().find("(above that: p99 of writes 3.0 s (limit: 1.0 s))") !=
          std::string::npos);
    CHECK(half.text().find("uses 25 reads and 25 writes a second (50 %)") != std::string::npos);

    App weak{7};
    const Calibration less = calibrated(weak, 100, 50);
    CHECK(weak.tried == std::vector<int>{50, 25, 12, 6});
    CHECK(less.carried == 6);
    CHECK(less.used == 3);

    App none{0};
    const Calibration least = calibrated(none, 100, 50);
    CHECK(none.tried.back() == 1);
    CHECK(least.carried == 0);
    CHECK(least.used == 1);
    CHECK(least.text().find("cannot sustain even 1 read and 1 write a second") !=
          std::string::npos);
}

TEST_CASE("the whole of it, and the smallest rates") {
    App app{1000};
    CHECK(calibrated(app, 10, 100).carried == 10);
    CHECK(calibrated(app, 10, 100).used == 10);
    App slow{1};
    const Calibration one = calibrated(slow, 1, 50);
    CHECK(one.carried == 1);
    CHECK(one.used == 1);
    App huge{1'000'000};
    CHECK(calibrated(huge, 500, 1).carried == 1000); // 50,000 a second are not tried
}
