#include "chaos/report_html.h"
#include "chaos/report_json.h"
#include "chaos/report_junit.h"
#include "chaos/report_text.h"
#include "core/process.h"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

using namespace hadeploy;
using namespace hadeploy::chaos;
using namespace std::chrono_literals;
using Result = Threshold::Result;

namespace {

Settings limits() {
    Settings s;
    s.patience = 60s;
    s.max_gap = 3s;
    return s;
}

/// A drill that meets the limits.
Report good() {
    Report r;
    r.title = "drain of node2";
    r.app = "http://10.77.0.11:5000";
    r.faults = {{.label = "drain of node2",
                 .node = "node2",
                 .began = 5s,
                 .ended = 15s,
                 .detected = 1s,
                 .rescheduled = 9s,
                 .tasks = 2,
                 .placement = {{"web.1", "node1"}, {"web.2", "node3"}}}};
    r.steady = 4s;
    r.measured.length = 20s;
    r.measured.reads.sent = r.measured.writes.sent = 100;
    r.measured.reads.gap.length = 3s;
    r.measured.writes.gap.length = 3s;
    r.measured.writes.failed = 7;
    r.measured.reads.seconds.resize(21, {10, 0, 30ms});
    r.measured.writes.seconds.resize(21, {10, 1, 40ms});
    r.writes = SetCheck{};
    r.before = {{"web.1", "node1"}, {"web.2", "node2"}};
    r.after = {{"web.1", "node1"}, {"web.2", "node3"}};
    r.leaders = {{0s, "node1"}};
    return r;
}

Verdict verdict(Report report, const Settings& settings) {
    report.thresholds = judge(report, settings);
    return report.verdict();
}

Report judged(Report report, const Settings& settings = limits()) {
    report.thresholds = judge(report, settings);
    return report;
}

const Threshold& named(const Report& report, std::string_view name) {
    for (const Threshold& t : report.thresholds)
        if (t.name == name) return t;
    throw std::runtime_error("no such threshold");
}

/// Counts of a JUnit file by a real parser: tests, failures, errors, skipped, as the root says and
/// as its cases are.
std::string junit_counts(const std::string& xml) {
    constexpr const char* kScript =
        "import sys, xml.etree.ElementTree as tree\n"
        "suite = tree.fromstring(sys.stdin.buffer.read()).find('testsuite')\n"
        "cases = suite.findall('testcase')\n"
        "said = [suite.get(k) for k in ('tests', 'failures', 'errors', 'skipped')]\n"
        "seen = [len(cases)] + [sum(c.find(k) is not None for c in cases)\n"
        "                       for k in ('failure', 'error', 'skipped')]\n"
        "assert said == [str(n) for n in seen], (said, seen)\n"
        "assert suite.find('system-out').text\n"
        "print(*said)\n";
    const ProcessResult done = run_process({.argv = {"python3", "-c", kScript}, .input = xml});
    return done.status == 0 ? done.out.substr(0, done.out.find('\n')) : done.err;
}

} // namespace

TEST_CASE("the thresholds decide whether the drill passes") {
    Report report = good();
    Settings settings = limits();
    const auto passes = [&] { return verdict(report, settings) == Verdict::passed; };
    CHECK(passes());
    settings.max_failed = 6;
    CHECK_FALSE(passes());
    settings.max_failed = 7;
    settings.max_failed_percent = 6.9;
    CHECK_FALSE(passes());
    settings.max_failed_percent = 7;
    CHECK(passes());
    settings.max_reschedule = 8s;
    CHECK_FALSE(passes());
    settings.max_reschedule = 9s;
    settings.max_gap = 2999ms;
    CHECK_FALSE(passes());
    settings.max_gap = 3s;
    report.writes->lost = {"a"};
    CHECK_FALSE(passes());
    settings.max_lost = 1;
    CHECK(passes());
    report.interrupted = true;
    CHECK_FALSE(passes());
    CHECK_FALSE(Report{}.passed());
}

TEST_CASE("the share of failed requests counts for reads and writes separately") {
    Settings settings = limits();
    settings.max_failed_percent = 5;
    const Report report = judged(good(), settings);
    CHECK(named(report, "failed reads").ok());
    CHECK_FALSE(named(report, "failed writes").ok());
    CHECK(named(report, "failed writes").value == "7.0 %");
    Report silent = good();
    silent.measured.writes = {};
    CHECK(named(judged(silent, settings), "failed writes").value == "not measured");
    CHECK_FALSE(named(judged(silent, settings), "failed writes").ok());
}

TEST_CASE("on a busy machine a missed time is inconclusive, a lost write is not") {
    Report report = good();
    Settings settings = limits();
    report.doubts = {"steal"};
    CHECK(verdict(report, settings) == Verdict::passed); // in spite of it
    settings.max_gap = 1s;
    CHECK(verdict(report, settings) == Verdict::inconclusive);
    settings.max_failed = 0;
    CHECK(verdict(report, settings) == Verdict::inconclusive);
    report.writes->lost = {"a"};
    CHECK(verdict(report, settings) == Verdict::failed);
    report.writes->lost.clear();
    report.faults[0].ended.reset();
    CHECK(verdict(report, settings) == Verdict::failed);
    report = good();
    CHECK(verdict(report, settings) == Verdict::failed);

    report.doubts = {"the machine was stolen"};
    const std::string text = render(judged(report, settings));
    CHECK(text.starts_with("INCONCLUSIVE  drain of node2 (undone)"));
    CHECK(text.find("the machine was stolen") != std::string::npos);
}

TEST_CASE("what an interrupt prevented is not measured, and no miss") {
    Report report = good();
    report.interrupted = true;
    report.faults[0].rescheduled.reset();
    report.steady.reset();
    report.writes.reset();
    report.activities = {
        {.name = "it answers", .when = "after", .judged = true, .measured = false}};
    report = judged(report);
    for (const char* name :
         {"tasks moved", "steady state again", "acknowledged writes lost", "it answers (after)"}) {
        CHECK(named(report, name).result == Result::not_measured);
        CHECK(named(report, name).value.starts_with("not measured"));
    }
    CHECK(named(report, "longest gap, reads").ok());
    CHECK(render(report).starts_with("INTERRUPTED"));
    CHECK(render(report).find("MISSED") == std::string::npos);
    CHECK(junit_counts(to_junit(report)) == "10 0 1 4");

    report.interrupted = false; // without an interrupt they are misses
    report = judged(report);
    CHECK(named(report, "tasks moved").result == Result::missed);
    CHECK(named(report, "acknowledged writes lost").result == Result::missed);
}

TEST_CASE("before, during and after: each phase has its own figures") {
    std::vector<Sample> samples;
    for (int i = 0; i < 20; ++i) {
        const Us due = i * 1s;
        const Us took = i >= 5 && i < 15 ? 2s : 10ms;
        samples.push_back({Kind::read, Outcome::ok, 0, due, due + took, ""});
        samples.push_back({Kind::write, i == 7 ? Outcome::fail : Outcome::ok, 0, due, due + 1ms,
                           i == 7 ? "timeout" : ""});
    }
    const std::vector<Phase> phases = phases_of(good(), samples);
    REQUIRE(phases.size() == 3);
    CHECK(phases[0].reads.p99 == 10ms);
    CHECK(phases[1].reads.p99 == 2s);
    CHECK(phases[2].reads.p99 == 10ms);
    CHECK(phases[0].reads.sent == 5);
    CHECK(phases[1].reads.sent == 10);
    CHECK(phases[1].writes.failed == 1);
    CHECK(phases[2].writes.failed == 0);

    Report open = good();
    open.faults[0].ended.reset();
    CHECK(phases_of(open, samples).back().name == "during");
}

TEST_CASE("the last failed request of a fault is one that was sent while it lasted") {
    Report report = good(); // a fault from 5 s to 15 s
    const auto sample = [](Kind kind, Outcome outcome, Us due, Us done) {
        return Sample{kind, outcome, 0, due, done, ""};
    };
    add_last_failures(report, {sample(Kind::read, Outcome::fail, 4s, 9s), // before
                               sample(Kind::read, Outcome::unknown, 6s, 8s),
                               sample(Kind::read, Outcome::fail, 7s, 7s),
                               sample(Kind::read, Outcome::ok, 8s, 9s),
                               sample(Kind::read, Outcome::fail, 15s, 16s), // after
                               sample(Kind::write, Outcome::ok, 8s, 9s)});
    CHECK(report.faults[0].last_failed_read == 3s);
    CHECK_FALSE(report.faults[0].last_failed_write);
    CHECK(to_json(report).find(R"("last_failed_read_ms":3000.0,"last_failed_write_ms":null)") !=
          std::string::npos);
    CHECK(render(report).find("drain of node2: the last failed read ended after 3.0 s\n") !=
          std::string::npos);
    CHECK(render(report).find("last failed write") == std::string::npos);
}

TEST_CASE("failover is not silent: each report has the number of requests") {
    Report r = judged(good());
    CHECK(render(r).find("different URL") == std::string::npos);
    CHECK(to_html(r).find("different URL") == std::string::npos);
    r.measured.reads.failed_over = 3;
    CHECK(render(r).find("3 reads and 0 writes were sent to a different URL") != std::string::npos);
    CHECK(to_html(r).find("3 reads and 0 writes were sent to a different URL") !=
          std::string::npos);
    CHECK(nlohmann::json::parse(to_json(r))["reads"]["failed_over"] == 3);
}

TEST_CASE("where leadership went") {
    CHECK(leadership_text({}) == "");
    CHECK(leadership_text({{0s, "node1"}}) == "node1");
    CHECK(leadership_text({{0s, "node1"}, {12300ms, ""}, {15s, "node3"}}) ==
          "node1, from 0:12.3 none, from 0:15.0 node3");
    Report report = good();
    report.leaders = {{0s, "node1"}, {12300ms, "node3"}};
    CHECK(render(report).find("leader: node1, from 0:12.3 node3") != std::string::npos);
    CHECK(nlohmann::json::parse(to_json(report))["leaders"][1]["node"] == "node3");
}

TEST_CASE("JUnit: a case for each threshold, well-formed whatever the names contain") {
    CHECK(junit_counts(to_junit(judged(good()))) == "10 0 0 0");
    Report report = good();
    report.title = "<&\"'> \x01\xff ü";
    report.measured.reads.gap.length = 9s;
    report.measured.writes.gap.length = 9s;
    CHECK(junit_counts(to_junit(judged(report))) == "10 2 0 0");
    report.doubts = {"steal"};
    CHECK(junit_counts(to_junit(judged(report))) == "10 0 2 0");
}

TEST_CASE("the HTML report is one file with everything in it") {
    Report report = good();
    report.title = "<script>alert(1)</script>";
    report.doubts = {"busy & <slow>"};
    report.measured.reads.gap.length = 9s;
    const std::string html = to_html(judged(report));
    CHECK(html.starts_with("<!doctype html>"));
    CHECK(html.find("<script") == std::string::npos);
    CHECK(html.find("&lt;script&gt;alert(1)") != std::string::npos);
    CHECK(html.find("busy &amp; &lt;slow&gt;") != std::string::npos);
    for (const char* foreign : {"\"refresh\"", "stylesheet", "<img", " src=", "url(", "@import"})
        CHECK(html.find(foreign) == std::string::npos);
    CHECK(html.find("data-state=\"inconclusive\"") != std::string::npos);
    CHECK(html.find("<g data-testid=\"fault\" data-state=\"undone\">") != std::string::npos);
    CHECK(html.find("<td class=\"moved\">node3</td>") != std::string::npos);
    CHECK(html.find("class=\"writes bar\"") != std::string::npos);
    CHECK(html.find("class=\"reads bar\"") == std::string::npos); // no read failed
}

TEST_CASE("a chart of nothing and of hours") {
    Report report;
    CHECK(to_html(report).find("<svg") != std::string::npos);
    report = good();
    report.measured.reads.seconds.resize(10'000, {1, 0, 700s});
    const std::string html = to_html(judged(report));
    CHECK(html.size() < 200'000);
    CHECK(html.find("failed requests in 42 s") != std::string::npos);
    CHECK(html.find("nan") == std::string::npos);
    CHECK(html.find("inf") == std::string::npos);
}

TEST_CASE("the JSON has the verdict, the faults and the machine") {
    Report report = good();
    report.machine.steal = 0.25;
    report.load = Calibration{.carried = 20, .used = 10, .share = 50};
    const auto json = nlohmann::json::parse(to_json(judged(report)));
    CHECK(json["verdict"] == "passed");
    CHECK(json["passed"] == true);
    CHECK(json["faults"][0]["reschedule_ms"] == 9000);
    CHECK(json["faults"][0]["ended_at_ms"] == 15000);
    CHECK(json["machine"]["steal"] == 0.25);
    CHECK(json["machine"]["waiting"].is_null());
    CHECK(json["load"]["used"] == 10);
    CHECK(json["thresholds"][0]["result"] == "met");
}
