#include "bench/report_html.h"
#include "bench/report_json.h"
#include "bench/report_text.h"
#include "golden.h"

#include <algorithm>
#include <doctest/doctest.h>
#include <fstream>
#include <sstream>

using namespace hadeploy;
using namespace hadeploy::bench;
using namespace std::chrono_literals;

namespace {

std::uint32_t intern(std::vector<std::string>& names, const std::string& name) {
    auto found = std::find(names.begin(), names.end(), name);
    if (found == names.end()) found = names.insert(names.end(), name);
    return static_cast<std::uint32_t>(found - names.begin());
}

/// 300 requests that a client in Python sent every 8 ms to a server with three replicas. The
/// expected figures below were calculated by another program.
Recording recorded() {
    Recording out;
    std::ifstream in(std::string(HADEPLOY_SOURCE_DIR) + "/tests/bench/sample.csv");
    std::string line;
    std::getline(in, line); // the names of the columns
    while (std::getline(in, line)) {
        std::istringstream columns(line);
        std::string intended, sent, done, status, problem, replica;
        for (std::string* text : {&intended, &sent, &done, &status, &problem, &replica})
            std::getline(columns, *text, ',');
        out.samples.push_back({.intended = Us(std::stol(intended)),
                               .sent = Us(std::stol(sent)),
                               .done = Us(std::stol(done)),
                               .status = std::stoi(status),
                               .problem = intern(out.problems, problem),
                               .replica = intern(out.replicas, replica)});
        out.length = std::max(out.length, out.samples.back().done);
    }
    return out;
}

void check(const Latency& l, Us mean, Us p50, Us p90, Us p95, Us p99, Us max) {
    CHECK(l.mean == mean);
    CHECK(l.p50 == p50);
    CHECK(l.p90 == p90);
    CHECK(l.p95 == p95);
    CHECK(l.p99 == p99);
    CHECK(l.max == max);
}

Row recorded_row() {
    Row row;
    row.load = {.name = "recorded", .urls = {"http://10.77.0.11:5000/"}, .rate = 125.0};
    row.load.duration = 2400ms;
    row.load.limits = {{"p99", 50}, {"failed", 1}, {"rate", 100}};
    row.figures = figures_of(recorded());
    row.machine.waiting = 0.1;
    row.thresholds = judge(row);
    return row;
}

Report two_rows() {
    Report out{.started = 1'790'000'000'000, .rows = {recorded_row(), recorded_row()}};
    out.rows[1].load.name = "second <row>";
    out.rows[1].load.rate.reset();
    out.rows[1].load.requests = 400;
    out.rows[1].cut_off = true;
    return out;
}

/// As two_rows(), with half of the latency in its first row and another name for the other.
Report earlier() {
    Report out = two_rows();
    out.started -= 86'400'000;
    Recording recording = recorded();
    for (Sample& s : recording.samples) s.done = s.intended + s.latency() / 2;
    out.rows[0].figures = figures_of(recording);
    out.rows[1].load.name = "third";
    return out;
}

} // namespace

TEST_CASE("figures of a recorded sample") {
    const Figures f = figures_of(recorded());
    CHECK(f.sent == 300);
    CHECK(f.ok == 288);
    CHECK(f.failed == 12);
    CHECK(f.length == 2'422'363us);
    CHECK(f.rate == doctest::Approx(288 / 2.422363));
    CHECK(f.problems == std::map<std::string, std::size_t>{{"timeout", 3}});
    check(f.latency, 15127us, 9102us, 34222us, 35330us, 44003us, 48506us);

    REQUIRE(f.codes.size() == 2);
    CHECK(f.codes[0].name == "200");
    CHECK(f.codes[0].count == 288);
    CHECK(f.codes[0].failed == 0);
    CHECK(f.codes[1].name == "503");
    CHECK(f.codes[1].count == 9);
    CHECK(f.codes[1].failed == 9);
    check(f.codes[1].latency, 13015us, 7893us, 32662us, 32662us, 32662us, 32662us);

    REQUIRE(f.replicas.size() == 3);
    for (const Group& replica : f.replicas) {
        CHECK(replica.count == 99);
        CHECK(replica.failed == 3);
    }
    check(f.replicas[0].latency, 15438us, 9274us, 34419us, 35195us, 44003us, 44003us);
    check(f.replicas[1].latency, 14220us, 8917us, 33466us, 34799us, 46901us, 46901us);
    check(f.replicas[2].latency, 15724us, 8576us, 34333us, 36417us, 48506us, 48506us);

    REQUIRE(f.seconds.size() == 3);
    CHECK(f.seconds[0].ok == 120);
    CHECK(f.seconds[0].failed == 5);
    CHECK(f.seconds[0].p50 == 8580us);
    CHECK(f.seconds[0].p99 == 36628us);
    CHECK(f.seconds[1].max == 48506us);
    CHECK(f.seconds[2].ok == 48);
    CHECK(f.seconds[2].failed == 2);
}

TEST_CASE("latency counts from the time when a request was due") {
    Recording late;
    late.samples = {{.intended = 0us, .sent = 40ms, .done = 50ms, .status = 200}};
    CHECK(figures_of(late).latency.max == 50ms);
}

TEST_CASE("figures of nothing") {
    const Figures f = figures_of({});
    CHECK(f.sent == 0);
    CHECK(f.rate == 0);
    CHECK(f.latency.p99 == 0us);
    CHECK(figure(f, "failed") == 0);
}

TEST_CASE("thresholds and verdict") {
    Row row = recorded_row();
    REQUIRE(row.thresholds.size() == 3);
    CHECK(row.thresholds[0].ok());       // p99 is 44 ms
    CHECK_FALSE(row.thresholds[1].ok()); // 4 % failed
    CHECK(row.thresholds[2].ok());       // 118.9 a second
    CHECK(row.verdict() == chaos::Verdict::failed);
    row.doubts = {"busy"};
    CHECK(row.verdict() == chaos::Verdict::inconclusive);
    row.interrupted = true;
    CHECK(row.verdict() == chaos::Verdict::interrupted);

    row = recorded_row();
    row.load.limits = {{"failed", 4}, {"p99", 44.003}, {"rate", 118.8}};
    row.thresholds = judge(row);
    CHECK(row.verdict() == chaos::Verdict::passed);
    row.load.limits = {{"rate", 119}};
    row.thresholds = judge(row);
    CHECK(row.verdict() == chaos::Verdict::failed);
    row.load.limits = {};
    row.thresholds = judge(row);
    CHECK_FALSE(row.verdict().has_value());

    row.figures = {};
    row.load.limits = {{"p99", 1000}};
    row.thresholds = judge(row);
    CHECK(row.verdict() == chaos::Verdict::failed); // no success has no latency
}

TEST_CASE("the text of a report and of a comparison") {
    const Report report = two_rows(), before = earlier();
    test::check_golden("tests/bench/golden/report.txt", render(report, &before));
}

TEST_CASE("a saved report is read back as it was") {
    const Report report = two_rows();
    const std::string json = to_json(report);
    CHECK(to_json(from_json(json, "saved.json")) == json);
    CHECK(render(from_json(json, "saved.json"), nullptr) == render(report, nullptr));
    for (const char* other : {"", "{}", "[]", R"({"type":"chaos_report","version":1})",
                              R"({"type":"bench_report","version":1,"started_ms":"x","rows":[]})"})
        CHECK_THROWS_AS(from_json(other, "saved.json"), Error);
}

TEST_CASE("the HTML report is one file with everything in it") {
    const Report report = two_rows(), before = earlier();
    const std::string html = to_html(report, &before);
    CHECK(html.starts_with("<!doctype html>"));
    CHECK(html.find("second &lt;row&gt;") != std::string::npos);
    for (const char* foreign : {"<script", "<row", "\"refresh\"", "stylesheet", "<img",
                                " src=", "url(", "@import", "nan", "inf "})
        CHECK_MESSAGE(html.find(foreign) == std::string::npos, foreign);
    for (const char* own :
         {"data-testid=\"summary\"", "data-testid=\"comparison\"", "data-testid=\"replica\"",
          "class=\"requests line\"", "class=\"requests bar\"", "data-state=\"missed\""})
        CHECK_MESSAGE(html.find(own) != std::string::npos, own);
    CHECK(html.find("<th scope=\"row\">recorded</th><td class=\"number\">300</td>") !=
          std::string::npos);
}
