#include "bench/report_json.h"

#include "core/error.h"

#include <cctype>
#include <cmath>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace hadeploy::bench {

namespace {

using BenchJson = nlohmann::ordered_json;
using chaos::Threshold;

constexpr int kVersion = 1;

BenchJson number_of(Us time) {
    return static_cast<double>(time.count()) / 1e3;
}

Us time_of(const BenchJson& ms) {
    return ms.is_null() ? Us{0} : Us(std::llround(ms.get<double>() * 1e3));
}

/// Null if there is none.
BenchJson latency_json(Us latency) {
    return latency == Us{0} ? BenchJson() : number_of(latency);
}

BenchJson to(const Latency& l) {
    return {{"mean", latency_json(l.mean)}, {"p50", latency_json(l.p50)},
            {"p90", latency_json(l.p90)},   {"p95", latency_json(l.p95)},
            {"p99", latency_json(l.p99)},   {"max", latency_json(l.max)}};
}

Latency latency_from(const BenchJson& j) {
    return {time_of(j.at("mean")), time_of(j.at("p50")), time_of(j.at("p90")),
            time_of(j.at("p95")),  time_of(j.at("p99")), time_of(j.at("max"))};
}

BenchJson to(const std::vector<Group>& groups) {
    BenchJson out = BenchJson::object();
    for (const Group& g : groups)
        out[g.name] = {{"count", g.count}, {"failed", g.failed}, {"latency_ms", to(g.latency)}};
    return out;
}

std::vector<Group> groups_from(const BenchJson& j) {
    std::vector<Group> out;
    for (const auto& [name, g] : j.items())
        out.push_back({name, g.at("count"), g.at("failed"), latency_from(g.at("latency_ms"))});
    return out;
}

BenchJson to(const Figures& f) {
    BenchJson out{{"length_ms", number_of(f.length)},
                  {"sent", f.sent},
                  {"ok", f.ok},
                  {"failed", f.failed},
                  {"connections", f.connections},
                  {"ok_per_second", f.rate},
                  {"latency_ms", to(f.latency)},
                  {"codes", to(f.codes)},
                  {"replicas", to(f.replicas)},
                  {"problems", BenchJson::object()},
                  {"seconds", BenchJson::array()}};
    for (const auto& [problem, count] : f.problems) out["problems"][problem] = count;
    for (const Second& s : f.seconds)
        out["seconds"].push_back({{"ok", s.ok},
                                  {"failed", s.failed},
                                  {"p50_ms", latency_json(s.p50)},
                                  {"p99_ms", latency_json(s.p99)},
                                  {"max_ms", latency_json(s.max)}});
    return out;
}

Figures figures_from(const BenchJson& j) {
    Figures f;
    f.length = time_of(j.at("length_ms"));
    f.sent = j.at("sent");
    f.ok = j.at("ok");
    f.failed = j.at("failed");
    f.connections = j.at("connections");
    f.rate = j.at("ok_per_second");
    f.latency = latency_from(j.at("latency_ms"));
    f.codes = groups_from(j.at("codes"));
    f.replicas = groups_from(j.at("replicas"));
    for (const auto& [problem, count] : j.at("problems").items()) f.problems[problem] = count;
    for (const auto& s : j.at("seconds"))
        f.seconds.push_back({s.at("ok"), s.at("failed"), time_of(s.at("p50_ms")),
                             time_of(s.at("p99_ms")), time_of(s.at("max_ms"))});
    return f;
}

std::string_view word_of(Threshold::Result result) {
    return result == Threshold::Result::met      ? "met"
           : result == Threshold::Result::missed ? "missed"
                                                 : "not measured";
}

BenchJson to(const Load& load) {
    BenchJson out{{"urls", load.urls}, {"method", load.method}};
    if (load.rate) {
        out["rate"] = *load.rate;
    } else {
        out["requests"] = load.requests;
        out["concurrency"] = load.concurrency;
    }
    out["duration_ms"] = load.duration.count();
    out["keep_alive"] = load.keep_alive;
    return out;
}

Load load_from(const BenchJson& j) {
    Load load;
    load.urls = j.at("urls").get<std::vector<std::string>>();
    load.method = j.at("method");
    if (j.contains("rate")) {
        load.rate = j.at("rate").get<double>();
    } else {
        load.requests = j.at("requests");
        load.concurrency = j.at("concurrency");
    }
    load.duration = Ms(j.at("duration_ms").get<std::int64_t>());
    load.keep_alive = j.at("keep_alive");
    return load;
}

BenchJson to(const Row& row) {
    BenchJson out{{"name", row.load.name},           {"load", to(row.load)},
                  {"interrupted", row.interrupted},  {"cut_off", row.cut_off},
                  {"problem", row.problem},          {"figures", to(row.figures)},
                  {"thresholds", BenchJson::array()}};
    for (const Threshold& t : row.thresholds)
        out["thresholds"].push_back({{"figure", t.name},
                                     {"limit", t.limit},
                                     {"value", t.value},
                                     {"result", word_of(t.result)}});
    const chaos::MachineUse& m = row.machine;
    out["machine"] = {
        {"steal", m.steal},
        {"waiting", m.waiting ? BenchJson(*m.waiting) : BenchJson()},
        {"load_per_processor", m.load},
        {"send_delay_ms", {{"p99", number_of(m.late_p99)}, {"max", number_of(m.late_max)}}},
        {"doubts", row.doubts}};
    return out;
}

Row row_from(const BenchJson& j) {
    Row row;
    row.load = load_from(j.at("load"));
    row.load.name = j.at("name");
    row.interrupted = j.at("interrupted");
    row.cut_off = j.at("cut_off");
    row.problem = j.at("problem");
    row.figures = figures_from(j.at("figures"));
    for (const auto& t : j.at("thresholds")) {
        Threshold threshold{
            .name = t.at("figure"), .limit = t.at("limit"), .value = t.at("value"), .timing = true};
        for (const auto result : {Threshold::Result::met, Threshold::Result::not_measured})
            if (t.at("result") == word_of(result)) threshold.result = result;
        row.thresholds.push_back(std::move(threshold));
    }
    const BenchJson& m = j.at("machine");
    row.machine.steal = m.at("steal");
    if (!m.at("waiting").is_null()) row.machine.waiting = m.at("waiting").get<double>();
    row.machine.load = m.at("load_per_processor");
    row.machine.late_p99 = time_of(m.at("send_delay_ms").at("p99"));
    row.machine.late_max = time_of(m.at("send_delay_ms").at("max"));
    row.doubts = m.at("doubts").get<std::vector<std::string>>();
    return row;
}

std::string lower_verdict(const Report& report) {
    std::string out(heading_of(report.verdict()));
    for (char& c : out) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    return out;
}

} // namespace

std::string to_json(const Report& report, const Report* before) {
    BenchJson out{{"type", "bench_report"},
                  {"version", kVersion},
                  {"started_ms", report.started},
                  {"verdict", lower_verdict(report)},
                  {"rows", BenchJson::array()}};
    for (const Row& row : report.rows) out["rows"].push_back(to(row));
    if (before != nullptr) {
        out["compared_with_ms"] = before->started;
        out["changes"] = BenchJson::array();
        for (const Change& c : changes(*before, report))
            out["changes"].push_back({{"row", c.row},
                                      {"figure", c.figure},
                                      {"before", c.before},
                                      {"now", c.now},
                                      {"change", c.change}});
    }
    return out.dump(-1, ' ', false, BenchJson::error_handler_t::replace);
}

Report from_json(const std::string& text, const std::string& name) {
    try {
        const BenchJson j = BenchJson::parse(text);
        if (j.at("type") != "bench_report" || j.at("version") != kVersion)
            throw Error(ErrorKind::failed,
                        fmt::format("{} is not a report of this version's bench", name));
        Report out;
        out.started = j.at("started_ms");
        for (const auto& row : j.at("rows")) out.rows.push_back(row_from(row));
        return out;
    } catch (const nlohmann::json::exception&) {
        throw Error(ErrorKind::failed, fmt::format("{} is not a report of bench", name))
            .with_hint("`hadeploy bench --save FILE` writes one");
    }
}

} // namespace hadeploy::bench
