#include "app.h"
#include "chaos/prober.h"
#include "chaos/read_writes.h"
#include "core/error.h"

#include <doctest/doctest.h>
#include <thread>

using namespace hadeploy;
using namespace hadeploy::chaos;
using namespace hadeploy::chaos::test;
using svc::test::eventually;
using namespace std::chrono_literals;

namespace {

ProberSettings probing(std::vector<std::string> urls) {
    return {std::move(urls),
            "/api/entities",
            "/api/entities",
            R"({"id":"$ID","again":"$ID"})",
            50,
            5s,
            {}};
}

ProberResult probe_until(const ProberSettings& settings, std::size_t requests) {
    Prober prober(settings);
    REQUIRE(eventually([&] {
        const Prober::Live live = prober.live(1s);
        return live.ok + live.failed >= requests;
    }));
    return prober.stop();
}

/// A URL on a port without a listener.
std::string nobody() {
    const svc::Listener listener(0);
    return "http://127.0.0.1:" + std::to_string(listener.port());
}

} // namespace

TEST_CASE("reads and writes are sent to each URL in turn; each write has a unique ID") {
    FakeApp one, two;
    const ProberResult result = probe_until(probing({one.url(), two.url() + "/"}), 20);
    std::size_t reads = 0, writes = 0;
    for (const Sample& s : result.samples) {
        CHECK(s.outcome == Outcome::ok);
        ++(s.kind == Kind::read ? reads : writes);
    }
    CHECK(reads >= 10);
    CHECK(writes == result.writes.size());
    CHECK(one.ids().size() + two.ids().size() == writes);
    CHECK(one.ids().size() >= 4);
    CHECK(two.ids().size() >= 4);
}

TEST_CASE("the rate does not depend on responses, and latency counts from when a request was due") {
    FakeApp app;
    app.delay_ms = 300;
    const ProberResult result = probe_until(probing({app.url()}), 30);
    CHECK(app.most_at_once > 5);
    CHECK(measure(result.samples, result.length, 1).reads.p50 >= 300ms);
}

TEST_CASE("a refused connection is a failure, a cut one has an unknown outcome") {
    const ProberResult refused = probe_until(probing({nobody()}), 6);
    for (const auto& [id, outcome] : refused.writes) CHECK(outcome == Outcome::fail);

    FakeApp app;
    app.cut_writes = true;
    const ProberResult cut = probe_until(probing({app.url()}), 6);
    REQUIRE(!cut.writes.empty());
    for (const auto& [id, outcome] : cut.writes) CHECK(outcome == Outcome::unknown);
    CHECK(app.ids().size() == cut.writes.size());
}

TEST_CASE("with failover, a request whose connection is refused is sent to the next URL") {
    FakeApp app;
    ProberSettings settings = probing({nobody(), nobody(), app.url()});
    settings.failover = true;
    const ProberResult result = probe_until(settings, 12);
    for (const Sample& sample : result.samples) {
        CHECK(sample.outcome == Outcome::ok);
        CHECK(sample.url == 2);
    }
    CHECK(app.ids().size() == result.writes.size()); // each write was sent once
    // one of three was due at the last URL
    const Measurement measured = measure(result.samples, result.length, 3);
    CHECK(measured.reads.failed_over >= measured.reads.sent / 2);
    CHECK(measured.reads.failed_over < measured.reads.sent);
    settings.urls.pop_back();
    for (const Sample& sample : probe_until(settings, 6).samples)
        CHECK(sample.outcome == Outcome::fail);
}

TEST_CASE("with failover, a request that was sent is not sent again") {
    std::atomic<std::size_t> sent = 0;
    FakeApp app;
    app.cut_writes = true;
    app.on_write = [&](const std::string&) { ++sent; };
    ProberSettings settings = probing({app.url(), app.url()});
    settings.failover = true;
    const ProberResult result = probe_until(settings, 6);
    REQUIRE(!result.writes.empty());
    for (const auto& [id, outcome] : result.writes) CHECK(outcome == Outcome::unknown);
    CHECK(sent == result.writes.size());
}

TEST_CASE("a response that is too late is a failure with an unknown outcome") {
    FakeApp app;
    app.delay_ms = 600;
    ProberSettings settings = probing({app.url()});
    settings.timeout = 100ms;
    const ProberResult result = probe_until(settings, 6);
    CHECK(result.samples.front().problem == "timeout");
    CHECK(result.writes.begin()->second == Outcome::unknown);
    CHECK(measure(result.samples, result.length, 1).reads.ok == 0);
}

TEST_CASE("503 leaves the outcome of a write unknown, 404 does not") {
    FakeApp app;
    ProberSettings settings = probing({app.url()});
    settings.read_path = "/nothing";
    const ProberResult result = probe_until(settings, 6);
    CHECK(result.samples.front().outcome == Outcome::fail);
    CHECK(result.samples.front().problem == "HTTP 404");
    app.fail_reads = true;
    CHECK(probe_until(probing({app.url()}), 6).samples.front().outcome == Outcome::unknown);
}

TEST_CASE("an attempt is logged before the app sees it, and its outcome afterwards") {
    const svc::test::TempDir dir;
    FakeApp app;
    std::atomic<int> unlogged = 0;
    app.on_write = [&](const std::string& id) {
        if (dir.read("log").find(" attempt " + id + " ") == std::string::npos) ++unlogged;
    };
    ProberSettings settings = probing({app.url()});
    settings.log = dir.path() + "/log";
    const ProberResult result = probe_until(settings, 20);
    CHECK(unlogged == 0);
    const std::string log = dir.read("log");
    for (const auto& [id, outcome] : result.writes)
        CHECK(log.find(" ok " + id + " ") != std::string::npos);
}

TEST_CASE("an unwritable log is reported") {
    FakeApp app;
    ProberSettings settings = probing({app.url()});
    settings.log = "/no such directory/log";
    CHECK_THROWS_AS(Prober{settings}, Error);
    settings.log = "/dev/full";
    Prober prober(settings);
    REQUIRE(eventually([&] { return prober.live(1s).broken; }));
    CHECK_THROWS_AS(prober.stop(), Error);
    CHECK(app.ids().empty()); // nothing is sent without being logged
}

TEST_CASE("clean: reads and writes succeed and none failed lately") {
    FakeApp app;
    Prober prober(probing({app.url()}));
    CHECK(eventually([&] { return prober.live(300ms).clean; }));
    app.fail_reads = true;
    CHECK(eventually([&] { return prober.live(300ms).failed > 0; }));
    CHECK_FALSE(prober.live(300ms).clean);
    app.fail_reads = false;
    CHECK(eventually([&] { return prober.live(300ms).clean; }));
    app.delay_ms = 2000; // no failures, but no responses either
    CHECK(eventually([&] { return !prober.live(300ms).clean; }));
}

TEST_CASE("a destroyed prober ends at once, despite pending requests") {
    FakeApp app;
    app.delay_ms = 200;
    Prober prober(probing({app.url()}));
    CHECK(eventually([&] { return app.most_at_once > 2; }));
}

TEST_CASE("the final read follows the pages to their end") {
    RealApp app;
    ProberSettings settings = probing({app.url()});
    settings.body = R"({"name":"chaos","quantity":1,"id":"$ID"})";
    const ProberResult result = probe_until(settings, 30);
    const std::set<std::string> read =
        read_writes({nobody(), app.url()}, "/api/writes?limit=3", 5s, 10s, {});
    CHECK(read.size() == result.writes.size());
    for (const auto& [id, outcome] : result.writes) CHECK(read.contains(id));
}

TEST_CASE("no final read: the error contains the problem of each URL") {
    FakeApp app;
    try {
        read_writes({app.url(), nobody()}, "/nothing", 1s, 0s, {});
        FAIL("it has to throw");
    } catch (const Error& error) {
        REQUIRE(error.notes.size() == 2);
        CHECK(error.notes[0].text.find("HTTP 404") != std::string::npos);
        CHECK(error.notes[1].text.find("connect") != std::string::npos);
    }
    CHECK_THROWS_AS(read_writes({app.url()}, "/api/entities", 1s, 0s, {}), Error); // not a list
}
