#include "chaos/report.h"

#include <algorithm>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace hadeploy::chaos {

bool Report::passed() const {
    return !interrupted && !thresholds.empty() &&
           std::all_of(thresholds.begin(), thresholds.end(), [](const auto& t) { return t.ok; });
}

std::string show_time(Us time) {
    const double ms = static_cast<double>(time.count()) / 1e3;
    if (ms < 999.5) return fmt::format("{:.0f} ms", ms);
    if (ms < 99'950) return fmt::format("{:.1f} s", ms / 1e3);
    const auto seconds = static_cast<long>(ms / 1e3 + 0.5);
    return fmt::format("{} min {} s", seconds / 60, seconds % 60);
}

namespace {

Threshold at_most(std::string name, Us limit, std::optional<Us> value) {
    return {std::move(name), "at most " + show_time(limit), value ? show_time(*value) : "never",
            value && *value <= limit};
}

Threshold at_most(std::string name, std::int64_t limit, std::size_t value) {
    return {std::move(name), limit == 0 ? "none" : fmt::format("at most {}", limit),
            std::to_string(value), static_cast<std::int64_t>(value) <= limit};
}

} // namespace

std::vector<Threshold> judge(const Report& report, const Settings& settings) {
    std::vector<Threshold> out;
    const Measurement& m = report.measured;
    out.push_back({fmt::format("{} put back", report.node), "yes",
                   report.restored_at ? "yes" : "no", report.restored_at.has_value()});
    out.push_back(at_most("tasks moved", settings.max_reschedule.value_or(settings.patience),
                          report.rescheduled));
    out.push_back(at_most("steady state again", settings.max_steady.value_or(settings.patience),
                          report.steady));
    out.push_back(at_most("longest gap, reads", settings.max_gap, m.reads.gap.length));
    out.push_back(at_most("longest gap, writes", settings.max_gap, m.writes.gap.length));
    if (settings.max_failed)
        out.push_back(
            at_most("failed requests", *settings.max_failed, m.reads.failed + m.writes.failed));
    if (report.writes) {
        out.push_back(
            at_most("acknowledged writes lost", settings.max_lost, report.writes->lost.size()));
        out.push_back(at_most("unexpected writes", 0, report.writes->unexpected.size()));
    } else {
        out.push_back(
            {"acknowledged writes lost",
             settings.max_lost == 0 ? "none" : fmt::format("at most {}", settings.max_lost),
             "unknown: no final read", false});
    }
    return out;
}

namespace {

using OrderedJson = nlohmann::ordered_json;

OrderedJson ms_of(Us time) {
    return static_cast<double>(time.count()) / 1e3;
}
OrderedJson ms_of(std::optional<Us> time) {
    return time ? ms_of(*time) : OrderedJson();
}

OrderedJson series_json(const Series& s) {
    OrderedJson out;
    out["sent"] = s.sent;
    out["ok"] = s.ok;
    out["failed"] = s.failed;
    out["unknown"] = s.unknown;
    out["latency_ms"] = {
        {"p50", ms_of(s.p50)}, {"p90", ms_of(s.p90)}, {"p99", ms_of(s.p99)}, {"max", ms_of(s.max)}};
    out["longest_gap_ms"] = ms_of(s.gap.length);
    out["longest_gap_at_ms"] = ms_of(s.gap.from);
    out["failed_by_url"] = s.failed_by_url;
    out["problems"] = OrderedJson::object();
    for (const auto& [problem, count] : s.problems) out["problems"][problem] = count;
    out["seconds"] = OrderedJson::array();
    for (const Second& second : s.seconds)
        out["seconds"].push_back(
            {{"ok", second.ok}, {"failed", second.failed}, {"slowest_ms", ms_of(second.slowest)}});
    return out;
}

OrderedJson writes_json(const std::optional<SetCheck>& check) {
    if (!check) return OrderedJson();
    return {{"attempted", check->attempted}, {"acknowledged", check->acknowledged},
            {"unknown", check->unknown},     {"unknown_found", check->unknown_found},
            {"lost", check->lost},           {"unexpected", check->unexpected}};
}

} // namespace

std::string to_json(const Report& r) {
    OrderedJson out;
    out["type"] = "chaos_report";
    out["node"] = r.node;
    out["passed"] = r.passed();
    out["interrupted"] = r.interrupted;
    out["drained_at_ms"] = ms_of(r.drained_at);
    out["restored_at_ms"] = ms_of(r.restored_at);
    out["length_ms"] = ms_of(r.measured.length);
    out["detect_ms"] = ms_of(r.detected);
    out["reschedule_ms"] = ms_of(r.rescheduled);
    out["steady_ms"] = ms_of(r.steady);
    out["tasks_moved"] = r.tasks_moved;
    out["failed_requests"] = r.measured.reads.failed + r.measured.writes.failed;
    out["reads"] = series_json(r.measured.reads);
    out["writes"] = series_json(r.measured.writes);
    out["final_read"] = writes_json(r.writes);
    out["thresholds"] = OrderedJson::array();
    for (const Threshold& t : r.thresholds)
        out["thresholds"].push_back(
            {{"name", t.name}, {"limit", t.limit}, {"value", t.value}, {"ok", t.ok}});
    out["notes"] = r.notes;
    out["timeline"] = OrderedJson::array();
    for (const Moment& m : r.timeline)
        out["timeline"].push_back({{"at_ms", ms_of(m.at)}, {"text", m.text}});
    out["placement"] = {{"before", r.before}, {"drained", r.drained}, {"after", r.after}};
    return out.dump(-1, ' ', false, OrderedJson::error_handler_t::replace);
}

namespace {

constexpr std::size_t kStripWidth = 80;

std::string clock(Us at) {
    const auto tenths = at.count() / 100'000;
    return fmt::format("{}:{:02}.{}", tenths / 600, tenths / 10 % 60, tenths % 10);
}

std::string headline(const Report& r) {
    const std::string verdict = r.passed() ? "PASSED" : r.interrupted ? "INTERRUPTED" : "FAILED";
    return fmt::format("{}  {} drained{}, {} measured for {}\n", verdict, r.node,
                       r.restored_at ? " and put back" : " and NOT put back", r.app,
                       show_time(r.measured.length));
}

std::string threshold_lines(const Report& r) {
    std::string out;
    for (const Threshold& t : r.thresholds) {
        const char* mark = t.ok ? "ok" : "MISSED";
        out += t.limit == "yes"
                   ? fmt::format("  {:<6}  {:<26} {}\n", mark, t.name, t.value)
                   : fmt::format("  {:<6}  {:<26} {:<14} {}\n", mark, t.name, t.value, t.limit);
    }
    return out;
}

std::string series_line(std::string_view name, const Series& s) {
    return fmt::format("  {:<8}{:>6}{:>8}{:>10}{:>10}{:>10}{:>10}   {}\n", name, s.sent, s.failed,
                       show_time(s.p50), show_time(s.p99), show_time(s.max),
                       show_time(s.gap.length),
                       s.gap.length > Us{0} ? "from " + clock(s.gap.from) : "");
}

std::string measured_lines(const Report& r) {
    const Measurement& m = r.measured;
    std::string out = fmt::format("  {:<8}{:>6}{:>8}{:>10}{:>10}{:>10}{:>10}\n", "", "sent",
                                  "failed", "p50", "p99", "slowest", "gap");
    out += series_line("reads", m.reads) + series_line("writes", m.writes);
    for (const auto& [name, series] : {std::pair{"reads", &m.reads}, {"writes", &m.writes}})
        for (const auto& [problem, count] : series->problems)
            out += fmt::format("  failed {}: {} x {}\n", name, count, problem);
    if (r.detected)
        out += fmt::format("  the swarm began to move tasks after {}\n", show_time(*r.detected));
    out += fmt::format("  {} {} on {} before\n", r.tasks_moved,
                       r.tasks_moved == 1 ? "task ran" : "tasks ran", r.node);
    if (const auto& w = r.writes) {
        out += fmt::format("  {} writes acknowledged, {} of them found at the end\n",
                           w->acknowledged, w->acknowledged - w->lost.size());
        if (w->unknown > 0)
            out += fmt::format("  {} writes of unknown outcome, {} of them found at the end\n",
                               w->unknown, w->unknown_found);
    }
    return out;
}

/// One character for the requests that were due within some seconds.
char cell(const Series& s, std::size_t from, std::size_t count) {
    std::size_t ok = 0, failed = 0;
    for (std::size_t i = from; i < std::min(from + count, s.seconds.size()); ++i) {
        ok += s.seconds[i].ok;
        failed += s.seconds[i].failed;
    }
    if (ok + failed == 0) return ' ';
    if (failed == 0) return '.';
    return ok == 0 ? '#' : 'x';
}

std::string strip(const Report& r) {
    const std::size_t seconds =
        std::max(r.measured.reads.seconds.size(), r.measured.writes.seconds.size());
    const std::size_t each = seconds / kStripWidth + 1;
    std::string reads, writes, drained;
    for (std::size_t at = 0; at < seconds; at += each) {
        reads += cell(r.measured.reads, at, each);
        writes += cell(r.measured.writes, at, each);
        const Us from = std::chrono::seconds(at), to = std::chrono::seconds(at + each);
        const bool in = to > r.drained_at && from < r.restored_at.value_or(Us::max());
        drained += in ? '=' : ' ';
    }
    return fmt::format("  {:<8}{}\n  {:<8}{}\n  {:<8}{}\n  {:<8}each character {} s: . all ok, x "
                       "some failed, # all failed, = drained\n",
                       "reads", reads, "writes", writes, r.node.substr(0, 7), drained, "", each);
}

std::string moments(const Report& r) {
    std::string out;
    for (const Moment& m : r.timeline) out += fmt::format("  {:>8}  {}\n", clock(m.at), m.text);
    return out;
}

std::string listed(std::string_view title, const std::vector<std::string>& ids) {
    constexpr std::size_t kMost = 10;
    if (ids.empty()) return "";
    std::string out = fmt::format("\n{}\n", title);
    for (std::size_t i = 0; i < std::min(kMost, ids.size()); ++i) out += "  " + ids[i] + "\n";
    if (ids.size() > kMost) out += fmt::format("  and {} more\n", ids.size() - kMost);
    return out;
}

} // namespace

std::string render(const Report& r) {
    std::string out = headline(r) + threshold_lines(r);
    out += "\nMeasured\n" + measured_lines(r);
    out += "\nTimeline\n" + strip(r) + moments(r);
    out += listed("Problems", r.notes);
    if (r.writes) {
        out += listed("Lost acknowledged writes", r.writes->lost);
        out += listed("Unexpected writes", r.writes->unexpected);
    }
    return out;
}

} // namespace hadeploy::chaos
