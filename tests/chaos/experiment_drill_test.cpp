#include "chaos/check_start.h"
#include "chaos/report_html.h"
#include "chaos/report_json.h"
#include "chaos/report_text.h"
#include "drill_support.h"

#include <doctest/doctest.h>
#include <fstream>

using namespace hadeploy;
using namespace hadeploy::chaos;
using namespace hadeploy::chaos::test;

namespace {

Experiment experiment(const std::string& text) {
    Sources sources;
    return read_experiment(sources, sources.add("e.yaml", text),
                           [](const std::string&) { return std::optional<std::string>(); });
}

std::string fault_step(const std::string& kind, const std::string& node,
                       const std::string& more = "") {
    return "  - {type: action, name: " + kind + " of " + node +
           ", provider: {type: hadeploy, fault: " + kind + ", node: " + node + "}" + more + "}\n";
}

std::string step(const std::string& type, const std::string& name, const std::string& shell,
                 const std::string& more = "") {
    return "  - {type: " + type + ", name: " + name +
           ", provider: {type: process, path: sh, arguments: [-c, '" + shell + "']}" + more + "}\n";
}

constexpr const char* kBackground = ", background: true";

Report run_plan(const Experiment& plan, FakeApp& app, FakeCluster& cluster, DrillEvents& events,
                const std::stop_token& stop = {}, bool force = false) {
    return run_drill(short_drill(app.url()), {.experiment = plan, .force = force}, cluster, cluster,
                     events, stop);
}

Report run_plan(const std::string& text, FakeApp& app, FakeCluster& cluster) {
    DrillEvents quiet;
    return run_plan(experiment(text), app, cluster, quiet);
}

Error refused(const std::string& text, FakeApp& app, FakeCluster& cluster) {
    try {
        run_plan(text, app, cluster);
    } catch (const Error& error) {
        return error;
    }
    throw std::runtime_error("it was not refused");
}

} // namespace

TEST_CASE("faults at once and in sequence are injected and undone in order") {
    FakeApp app;
    FakeCluster cluster;
    const Report report =
        run_plan("title: two\nmethod:\n" + fault_step("latency", "node3", kBackground) +
                     fault_step("drain", "node2") + fault_step("loss", "node1"),
                 app, cluster);
    CHECK(cluster.calls == std::vector<std::string>{"inject latency of node3",
                                                    "inject drain of node2", "undo drain of node2",
                                                    "inject loss of node1", "undo loss of node1",
                                                    "undo latency of node3"});
    REQUIRE(report.faults.size() == 3);
    CHECK(report.passed());
    CHECK(report.title == "two");
    CHECK(report.faults[0].began < report.faults[1].began);
    CHECK(report.faults[0].ended > report.faults[2].ended);
    CHECK(report.faults[1].placement.at("database.1") == "node3");
    CHECK(threshold(report, "node2: tasks moved").ok());
    CHECK(threshold(report, "node3: services complete").ok());
    CHECK(report.steady);
}

TEST_CASE("a fault in the background stays for the rest of the method: its undo is armed for it") {
    FakeApp app;
    FakeCluster cluster;
    run_plan("title: t\nmethod:\n" + fault_step("latency", "node1"), app, cluster);
    const auto alone = cluster.undo_after;
    run_plan("title: t\nmethod:\n" + fault_step("latency", "node1", kBackground), app, cluster);
    CHECK(cluster.undo_after > alone);
}

TEST_CASE("a hypothesis that does not hold before refuses the drill") {
    FakeApp app;
    FakeCluster cluster;
    const Error error = refused("title: t\nsteady-state-hypothesis:\n  title: h\n  probes:\n" +
                                    step("probe", "p", "exit 3", ", tolerance: 0") + "method:\n" +
                                    fault_step("drain", "node2"),
                                app, cluster);
    CHECK(error.message == "t is refused: the steady-state hypothesis does not hold");
    REQUIRE(error.notes.size() == 1);
    CHECK(error.notes[0].text == "p: status 3 instead of 0");
    CHECK(cluster.calls.empty());
}

TEST_CASE("a hypothesis that does not hold after it fails the drill; rollbacks run") {
    const svc::test::TempDir dir;
    FakeApp app;
    FakeCluster cluster;
    const std::string file = dir.path() + "/there";
    const Report report = run_plan(
        "title: t\nsteady-state-hypothesis:\n  title: h\n  probes:\n" +
            step("probe", "nothing there", "! test -e " + file, ", tolerance: 0") + "method:\n" +
            step("action", "create", "touch " + file) + fault_step("drain", "node2") +
            "rollbacks:\n" + step("action", "remove", "rm " + file),
        app, cluster);
    CHECK(report.verdict() == Verdict::failed);
    CHECK(threshold(report, "nothing there (before)").ok());
    CHECK_FALSE(threshold(report, "nothing there (after)").ok());
    CHECK(threshold(report, "remove (rollback)").ok());
    CHECK(report.steady);
    CHECK(render(report).find("nothing there (after): status 1 instead of 0") != std::string::npos);
}

TEST_CASE("an action that fails fails the drill, also one in the background") {
    FakeApp app;
    FakeCluster cluster;
    const Report report =
        run_plan("title: t\nmethod:\n" +
                     step("action", "one", "echo a >&2; echo because b >&2; exit 2", kBackground) +
                     step("action", "two", "true") + step("probe", "three", "exit 9"),
                 app, cluster);
    CHECK(threshold(report, "one (method)").value == "exit status 2: a; because b");
    CHECK(threshold(report, "two (method)").ok());
    CHECK(report.thresholds.back().name != "three (method)"); // no tolerance: only recorded
    CHECK(report.activities.size() == 3);
    CHECK(report.verdict() == Verdict::failed);
}

TEST_CASE("the cluster is watched while a process runs, and what it prints is in the timeline") {
    struct Watches : DrillEvents {
        void moment(const Moment& m) override {
            if (m.text == "work: begun" && m.output) cluster->now.nodes[0].leader = false;
            if (m.text == "the swarm has no leader") std::ofstream{file};
        }
        FakeCluster* cluster;
        std::string file;
    };
    const svc::test::TempDir dir;
    FakeApp app;
    FakeCluster cluster;
    Watches events;
    events.cluster = &cluster;
    events.file = dir.path() + "/seen";
    // the process ends only after the drill has seen a change of the cluster
    const std::string shell =
        "echo begun; until [ -e " + events.file + " ]; do sleep 0.02; done; echo \"a <b>\"";
    const Report report =
        run_plan(experiment("title: t\nmethod:\n" + step("action", "work", shell) +
                            step("probe", "p", "echo not an event")),
                 app, cluster, events);
    CHECK(threshold(report, "work (method)").ok());
    CHECK(tells(report, "work: a <b>"));
    CHECK_FALSE(tells(report, "not an event"));
    CHECK(to_json(report).find(R"("output":true)") != std::string::npos);
    CHECK(to_html(report).find("work: a &lt;b&gt;") != std::string::npos);
    CHECK(render(report).find("work: begun") == std::string::npos);
    CHECK(render(report).find("output of processes: 2 lines") != std::string::npos);
}

TEST_CASE("after a process, the drill waits for the steady state before it checks the hypothesis") {
    struct Disturbs : DrillEvents {
        void moment(const Moment& m) override {
            if (m.text == "work: moved") cluster->now.services[0].running = 0;
        }
        void phase(std::string_view text) override {
            if (text == "waiting for the steady state") cluster->now.services[0].running = 1;
        }
        FakeCluster* cluster;
    };
    FakeApp app;
    FakeCluster cluster;
    Disturbs events;
    events.cluster = &cluster;
    const Report report =
        run_plan(experiment("title: t\nsteady-state-hypothesis:\n  title: h\n  probes:\n"
                            "  - {type: probe, name: services, tolerance: true, provider: "
                            "{type: hadeploy, probe: swarm}}\nmethod:\n" +
                            step("action", "work", "echo moved")),
                 app, cluster, events);
    CHECK(threshold(report, "services (after)").ok());
    CHECK(tells(report, "steady state: nodes, services and app as before"));
    CHECK_FALSE(report.steady); // no fault ended
    CHECK(report.passed());
}

TEST_CASE("Ctrl-C: faults are undone, rollbacks run, and the rest is not measured") {
    struct Stops : DrillEvents {
        void moment(const Moment& m) override {
            if (m.text == "drain of node2 begins") source.request_stop();
        }
        std::stop_source source;
    };
    FakeApp app;
    FakeCluster cluster;
    cluster.looks_until_moved = 1'000'000;
    Stops events;
    const Experiment plan =
        experiment("title: t\nsteady-state-hypothesis:\n  title: h\n  probes:\n" +
                   step("probe", "p", "true", ", tolerance: 0") + "method:\n" +
                   fault_step("latency", "node3", kBackground) + fault_step("drain", "node2") +
                   fault_step("loss", "node1") + "rollbacks:\n" + step("action", "r", "true"));
    const Report report = run_plan(plan, app, cluster, events, events.source.get_token());
    CHECK(report.verdict() == Verdict::interrupted);
    CHECK(cluster.calls == std::vector<std::string>{"inject latency of node3",
                                                    "inject drain of node2", "undo drain of node2",
                                                    "undo latency of node3"});
    CHECK(threshold(report, "p (after)").result == Threshold::Result::not_measured);
    CHECK(threshold(report, "r (rollback)").ok());
}

TEST_CASE("an unknown node is an error at its place, before anything happens") {
    FakeApp app;
    FakeCluster cluster;
    const Error error =
        refused("title: t\nmethod:\n" + fault_step("drain", "node2") + fault_step("kill", "nod3"),
                app, cluster);
    CHECK(error.kind == ErrorKind::spec);
    CHECK(error.loc.line == 4);
    CHECK(error.hint == "did you mean \"node3\"?");
    CHECK(cluster.calls.empty());
}

TEST_CASE("faults that together break the quorum are refused, and can be forced") {
    const Snapshot s = FakeCluster().now;
    const Fault kill1{FaultKind::kill, "node1"}, kill2{FaultKind::kill, "node2"},
        slow3{FaultKind::latency, "node3"}, drain3{FaultKind::drain, "node3"};
    CHECK(too_much_at_once(s, {kill1}) == "");
    CHECK(too_much_at_once(s, {kill1, slow3}) == "");
    CHECK(too_much_at_once(s, {kill1, drain3}) == "");
    CHECK(too_much_at_once(s, {kill1, kill2}) ==
          "together its faults leave 1 of 3 managers, but the quorum needs 2");
    CHECK(too_much_at_once(s, {{FaultKind::drain, "node1"}, {FaultKind::drain, "id-node2"}, drain3})
              .find("no node for the tasks") != std::string::npos);

    FakeApp app;
    FakeCluster cluster;
    const std::string both = "title: both\nmethod:\n" + fault_step("pause", "node1", kBackground) +
                             fault_step("stop-docker", "node3");
    CHECK(refused(both, app, cluster).message.find("together its faults leave 1 of 3 managers") !=
          std::string::npos);
    CHECK(cluster.calls.empty());
    DrillEvents quiet;
    CHECK(run_plan(experiment(both), app, cluster, quiet, {}, true).faults.size() == 2);
    // one after the other they are no risk
    CHECK(run_plan("title: t\nmethod:\n" + fault_step("pause", "node1") +
                       fault_step("stop-docker", "node3"),
                   app, cluster)
              .faults.size() == 2);
}

TEST_CASE("the method ends when there is no steady state after a fault") {
    FakeApp app;
    FakeCluster cluster;
    struct Breaks : DrillEvents {
        explicit Breaks(FakeCluster& c) : cluster(c) {}
        void moment(const Moment& m) override {
            if (m.text == "loss of node1 ends") cluster.now.services[0].running = 0;
        }
        FakeCluster& cluster;
    };
    Breaks events(cluster);
    Settings settings = short_drill(app.url());
    settings.patience = 500ms;
    const Report report =
        run_drill(settings,
                  {.experiment = experiment("title: t\nmethod:\n" + fault_step("loss", "node1") +
                                            fault_step("loss", "node3"))},
                  cluster, cluster, events, {});
    CHECK(cluster.calls == std::vector<std::string>{"inject loss of node1", "undo loss of node1"});
    CHECK_FALSE(threshold(report, "steady state again").ok());
    CHECK(report.notes.back().find("the rest of the method was not run") != std::string::npos);
}

TEST_CASE("a drill of the leader says where leadership went") {
    FakeApp app;
    FakeCluster cluster;
    cluster.on_moved = [&] {
        cluster.now.nodes[0].leader = false;
        cluster.now.nodes[2].leader = true;
    };
    const Report report = drill(short_drill(app.url()), cluster);
    REQUIRE(report.leaders.size() == 2);
    CHECK(report.leaders[0].node == "node1");
    CHECK(report.leaders[1].node == "node3");
    CHECK(report.leaders[1].at >= report.faults[0].began);
    CHECK(tells(report, "node3 is the leader"));
}

TEST_CASE("the read-back asks for what this drill wrote") {
    FakeApp app;
    FakeCluster cluster;
    Settings settings = short_drill(app.url());
    settings.verify = "/api/writes?prefix=$PREFIX";
    const Report report = drill(settings, cluster);
    REQUIRE(report.writes);
    CHECK(report.writes->acknowledged > 0);
    CHECK(report.writes->lost.empty());
    CHECK(app.asked_prefix().starts_with("chaos-"));
    for (const std::string& id : app.ids()) CHECK(id.starts_with(app.asked_prefix()));
}

TEST_CASE("the drill finds the load that the app sustains, and uses its share of that") {
    FakeApp app;
    FakeCluster cluster;
    Settings settings = short_drill(app.url());
    settings.rate = 10;
    settings.load = 50;
    settings.ramp = 200ms;
    settings.well_p99 = settings.timeout = 60s;
    const Report report = drill(settings, cluster);
    REQUIRE(report.load);
    CHECK(report.load->carried == 20);
    CHECK(report.load->used == 10);
    CHECK(tells(report, "measurement starts: 10 reads and 10 writes a second"));
    CHECK(render(report).find("the app sustains 20 reads and 20 writes a second") !=
          std::string::npos);

    settings.well_p99 = 0ms; // no app is that fast
    const Report slow = drill(settings, cluster);
    CHECK(slow.load->carried == 0);
    CHECK(slow.load->used == 1);
}

TEST_CASE("a machine whose hypervisor serves others makes misses inconclusive") {
    FakeApp app;
    FakeCluster cluster;
    Settings settings = short_drill(app.url());
    settings.max_reschedule = 0ms; // missed in any case
    int reads = 0;
    const auto busy = [&](const std::string& path) -> std::string {
        if (path != "/proc/stat") return "";
        ++reads; // half of the time is stolen
        return "cpu " + std::to_string(100 * reads) + " 0 0 0 0 0 0 " +
               std::to_string(100 * reads) + "\ncpu0\n";
    };
    DrillEvents quiet;
    const Report report =
        run_drill(settings, {.experiment = single_fault({.node = "node2"}), .read_machine = busy},
                  cluster, cluster, quiet, {});
    CHECK(report.machine.steal == doctest::Approx(0.5));
    CHECK(report.verdict() == Verdict::inconclusive);
    app.forget_each = 3;
    FakeCluster again;
    CHECK(run_drill(settings, {.experiment = single_fault({.node = "node2"}), .read_machine = busy},
                    again, again, quiet, {})
              .verdict() == Verdict::failed);
}
