#include "chaos/report_json.h"
#include "chaos/report_text.h"
#include "drill_support.h"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

using namespace hadeploy;
using namespace hadeploy::chaos;
using namespace hadeploy::chaos::test;
using namespace std::chrono_literals;

TEST_CASE("the database dies with the drained node: a gap, failures, and no write lost") {
    RealApp app;
    FakeCluster cluster;
    cluster.looks_until_moved = 40;
    cluster.on_stopped = [&] { app.kill_database(); };
    cluster.on_moved = [&] { app.start_database(); };
    const Report report = drill(short_drill(app.url()), cluster);

    CHECK(report.passed());
    CHECK(cluster.availability("node2") == "active");
    CHECK(cluster.undo_after > 60s);
    REQUIRE(report.faults.size() == 1);
    const FaultRun& fault = report.faults[0];
    REQUIRE(fault.rescheduled);
    REQUIRE(fault.detected);
    CHECK(*fault.detected <= *fault.rescheduled);
    CHECK(report.steady);
    CHECK(report.measured.reads.failed > 0);
    CHECK(report.measured.writes.failed > 0);
    const Gap& gap = report.measured.writes.gap;
    CHECK(gap.from + gap.length > fault.began);
    CHECK(gap.from < *fault.ended);
    REQUIRE(report.writes);
    CHECK(report.writes->acknowledged > 10);
    CHECK(report.writes->acknowledged == report.measured.writes.ok);
    CHECK(report.writes->lost.empty());
    CHECK(report.writes->unexpected.empty());
    CHECK(report.before.at("database.1") == "node2");
    CHECK(fault.placement.at("database.1") == "node3");
    CHECK(tells(report, "database.1: preparing on node3"));
    CHECK(tells(report, "node2 is up, drain"));

    const auto json = nlohmann::json::parse(to_json(report));
    CHECK(json["passed"] == true);
    CHECK(json["final_read"]["lost"].empty());
    CHECK(json["failed_requests"] == report.measured.reads.failed + report.measured.writes.failed);
    const std::string text = render(report);
    CHECK(text.starts_with("PASSED"));
    CHECK(text.find("MISSED") == std::string::npos);
    CHECK(text.find("failed writes: ") != std::string::npos);
}

TEST_CASE("an app that acknowledges a write and forgets it fails the drill") {
    FakeApp app;
    app.forget_each = 5;
    FakeCluster cluster;
    const Report report = drill(short_drill(app.url()), cluster);
    REQUIRE(report.writes);
    REQUIRE(!report.writes->lost.empty());
    CHECK(report.writes->lost.size() == report.writes->acknowledged / 5);
    CHECK_FALSE(threshold(report, "acknowledged writes lost").ok());
    CHECK_FALSE(report.passed());
    CHECK(render(report).find(report.writes->lost.front()) != std::string::npos);
}

TEST_CASE("a write that was never sent fails the drill") {
    FakeApp app;
    app.invent = true;
    FakeCluster cluster;
    const Report report = drill(short_drill(app.url()), cluster);
    CHECK(report.writes->unexpected.size() == 1);
    CHECK_FALSE(report.passed());
}

TEST_CASE("without a final read the drill does not pass") {
    FakeApp app;
    FakeCluster cluster;
    Settings settings = short_drill(app.url());
    settings.verify = "/nothing";
    settings.patience = 1s;
    const Report report = drill(settings, cluster);
    CHECK_FALSE(report.writes);
    CHECK_FALSE(report.passed());
    CHECK(threshold(report, "acknowledged writes lost").value.find("no final read") !=
          std::string::npos);
    CHECK(nlohmann::json::parse(to_json(report))["final_read"].is_null());
}

TEST_CASE("Ctrl-C during the drill puts the node back, and the drill does not pass") {
    FakeApp app;
    FakeCluster cluster;
    cluster.looks_until_moved = 1'000'000;
    std::stop_source ctrl_c;
    WhenDrained events([&] { ctrl_c.request_stop(); });
    const Report report = drill(short_drill(app.url()), cluster, events, ctrl_c.get_token());
    CHECK(report.interrupted);
    CHECK(report.undone());
    CHECK(cluster.availability("node2") == "active");
    CHECK(report.writes); // the writes are read back anyway
    CHECK(threshold(report, "tasks moved").value == "not measured");
    CHECK(threshold(report, "steady state again").value == "not measured");
    CHECK(threshold(report, "acknowledged writes lost").ok());
    CHECK_FALSE(report.passed());
    CHECK(render(report).starts_with("INTERRUPTED"));
}

TEST_CASE("Ctrl-C before the drain changes nothing") {
    FakeApp app;
    FakeCluster cluster;
    std::stop_source ctrl_c;
    ctrl_c.request_stop();
    DrillEvents quiet;
    CHECK_THROWS_AS(drill(short_drill(app.url()), cluster, quiet, ctrl_c.get_token()), Interrupted);
    CHECK(cluster.drains == 0);
}

TEST_CASE("the node is put back when the drill itself fails") {
    FakeApp app;
    FakeCluster cluster;
    WhenDrained events([] { throw std::runtime_error("the terminal is gone"); });
    CHECK_THROWS_AS(drill(short_drill(app.url()), cluster, events), std::runtime_error);
    CHECK(cluster.availability("node2") == "active");

    FakeCluster lost; // drained, but the response is lost
    lost.fail_drain = true;
    CHECK(refusal(short_drill(app.url()), lost) == "the answer got lost");
    CHECK(lost.availability("node2") == "active");
}

TEST_CASE("the restore is retried; if it fails, the report says so with a hint") {
    FakeApp app;
    FakeCluster cluster;
    cluster.fail_restores = 3;
    CHECK(drill(short_drill(app.url()), cluster).passed());
    CHECK(cluster.restores == 4);

    FakeCluster dead;
    dead.fail_restores = 1'000'000;
    Settings settings = short_drill(app.url());
    settings.patience = 500ms;
    const Report report = drill(settings, dead);
    CHECK_FALSE(report.undone());
    CHECK_FALSE(report.passed());
    REQUIRE(!report.notes.empty());
    CHECK(report.notes[0].find("hadeploy chaos halt") != std::string::npos);
    CHECK(render(report).find("NOT undone") != std::string::npos);
}

TEST_CASE("tasks that do not move within the patience: failed, and the node is put back") {
    FakeApp app;
    FakeCluster cluster;
    cluster.looks_until_moved = 1'000'000;
    Settings settings = short_drill(app.url());
    settings.patience = 500ms;
    const Report report = drill(settings, cluster);
    CHECK_FALSE(report.faults.at(0).rescheduled);
    CHECK_FALSE(threshold(report, "tasks moved").ok());
    CHECK(cluster.availability("node2") == "active");
    CHECK(report.notes.at(0).find("database has 0 of 1 tasks") != std::string::npos);
}

TEST_CASE("a cluster that is temporarily unreachable does not end the drill") {
    FakeApp app;
    FakeCluster cluster;
    WhenDrained events([&] { cluster.fail_looks = 5; });
    const Report report = drill(short_drill(app.url()), cluster, events);
    CHECK(report.passed());
    CHECK(tells(report, "the cluster does not answer"));
}

TEST_CASE("nothing is drained without an initial steady state") {
    FakeApp app;
    FakeCluster cluster;
    cluster.now.services[0].running = 0;
    Settings impatient = short_drill(app.url());
    impatient.patience = 100ms;
    CHECK(refusal(impatient, cluster).find("database has 0 of 1") != std::string::npos);

    FakeCluster well;
    app.fail_reads = true;
    const std::string refused = refusal(impatient, well);
    CHECK(refused.find("the app fails without a fault: ") != std::string::npos);
    CHECK(refused.find(": 0 of ") == std::string::npos);
    CHECK(cluster.drains + well.drains == 0);
}

TEST_CASE("the baseline of an app that fails at first is measured again") {
    struct Recovers : DrillEvents {
        explicit Recovers(FakeApp& a) : app(a) {}
        void phase(std::string_view name) override {
            if (name.find("waiting for a healthy app") != name.npos) app.fail_reads = false;
        }
        FakeApp& app;
    };
    FakeApp app;
    app.fail_reads = true;
    FakeCluster cluster;
    Recovers events(app);
    const Report report = drill(short_drill(app.url()), cluster, events);
    CHECK(report.passed());
    CHECK(report.measured.reads.failed == 0);
    CHECK(std::count_if(report.timeline.begin(), report.timeline.end(), [](const Moment& m) {
              return m.text.find("measurement starts") != m.text.npos;
          }) == 1);
}

TEST_CASE("the drill waits for a task that is starting") {
    struct ComesUp : DrillEvents {
        explicit ComesUp(FakeCluster& c) : cluster(c) {}
        void phase(std::string_view name) override {
            if (name.find("database has 0 of 1") != name.npos) cluster.now.services[0].running = 1;
        }
        FakeCluster& cluster;
    };
    FakeApp app;
    FakeCluster cluster;
    cluster.now.services[0].running = 0;
    ComesUp events(cluster);
    CHECK(drill(short_drill(app.url()), cluster, events).passed());
    CHECK(cluster.drains == 1);
}

TEST_CASE("a drain that risks the quorum is refused, unless it is forced") {
    FakeApp app;
    FakeCluster cluster;
    cluster.now.nodes[2].reachable = false;
    CHECK(refusal(short_drill(app.url()), cluster).find("quorum") != std::string::npos);
    CHECK(cluster.drains == 0);
    Settings settings = short_drill(app.url());
    settings.patience = 500ms; // node3 stays down, so the steady state is never reached
    DrillEvents quiet;
    const Report forced =
        run_drill(settings, {.experiment = single_fault({.node = "node2"}), .force = true}, cluster,
                  cluster, quiet, {});
    CHECK(cluster.drains == 1);
    CHECK_FALSE(forced.steady);
}
