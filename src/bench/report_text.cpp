#include "bench/report_text.h"

#include <algorithm>
#include <fmt/format.h>
#include <fmt/ranges.h>

namespace hadeploy::bench {

using chaos::clock_time;
using chaos::show_time;
using chaos::Threshold;

namespace {

constexpr std::size_t kMostSeconds = 30; ///< shown
constexpr std::size_t kMostReplicas = 20;

std::string row_headline(const Row& row, bool several) {
    const std::string name = several ? row.load.name + "  " : "";
    if (!row.problem.empty()) return fmt::format("NOT MEASURED  {}{}\n", name, row.problem);
    return fmt::format("{}  {}{}: {}; measured for {}\n", heading_of(row.verdict()), name,
                       fmt::join(row.load.urls, ", "), load_text(row.load),
                       show_time(row.figures.length));
}

std::string row_thresholds(const Row& row) {
    std::string out;
    for (const Threshold& t : row.thresholds)
        out += fmt::format("  {:<6}  {:<8} {:<16} {}\n",
                           t.ok()                                        ? "ok"
                           : t.result == Threshold::Result::not_measured ? "-"
                                                                         : "MISSED",
                           t.name, t.value, t.limit);
    return out;
}

std::string figures_head(std::string_view first) {
    return fmt::format("  {:<24}{:>8}{:>8}{:>10}{:>10}{:>10}{:>10}{:>10}{:>10}\n", first, "sent",
                       "failed", "mean", "p50", "p90", "p95", "p99", "slowest");
}

std::string figures_line(std::string_view name, std::size_t sent, std::size_t failed,
                         const Latency& l) {
    return fmt::format("  {:<24}{:>8}{:>8}{:>10}{:>10}{:>10}{:>10}{:>10}{:>10}\n", name, sent,
                       failed, show_latency(l.mean), show_latency(l.p50), show_latency(l.p90),
                       show_latency(l.p95), show_latency(l.p99), show_latency(l.max));
}

std::string second_lines(const Figures& f) {
    std::string out =
        fmt::format("\n  {:<24}{:>8}{:>8}{:>10}{:>10}{:>10}{:>10}{:>10}{:>10}\n", "by second",
                    "sent", "failed", "", "p50", "", "", "p99", "slowest");
    for (std::size_t i = 0; i < std::min(f.seconds.size(), kMostSeconds); ++i) {
        const Second& s = f.seconds[i];
        out += fmt::format("  {:<24}{:>8}{:>8}{:>10}{:>10}{:>10}{:>10}{:>10}{:>10}\n",
                           fmt::format("{}:{:02}", i / 60, i % 60), s.ok + s.failed, s.failed, "",
                           show_latency(s.p50), "", "", show_latency(s.p99), show_latency(s.max));
    }
    if (f.seconds.size() > kMostSeconds)
        out += fmt::format("  {} more seconds: see --json or --html\n",
                           f.seconds.size() - kMostSeconds);
    return out;
}

std::string replica_lines(const Figures& f) {
    if (f.replicas.empty()) return "";
    std::string out = "\n" + figures_head("by replica");
    for (std::size_t i = 0; i < std::min(f.replicas.size(), kMostReplicas); ++i) {
        const Group& g = f.replicas[i];
        out += figures_line(g.name, g.count, g.failed, g.latency);
    }
    if (f.replicas.size() > kMostReplicas)
        out += fmt::format("  {} more replicas: see --json or --html\n",
                           f.replicas.size() - kMostReplicas);
    return out;
}

std::string row_text(const Row& row, bool several) {
    std::string out = row_headline(row, several) + row_thresholds(row);
    if (!row.problem.empty()) return out;
    if (row.cut_off)
        out += fmt::format("  the time was over after {} of {} requests\n", row.figures.sent,
                           row.load.requests);
    if (!row.doubts.empty()) {
        out += "  This machine was busy: its figures of time and failures cannot be trusted\n";
        for (const std::string& doubt : row.doubts) out += "    " + doubt + "\n";
    }
    const Figures& f = row.figures;
    out += fmt::format("\n  {:.1f} successful requests a second, {} {} opened\n", f.rate,
                       f.connections, f.connections == 1 ? "connection" : "connections");
    out += figures_head("") + figures_line("all", f.sent, f.failed, f.latency);
    for (const Group& g : f.codes)
        out += figures_line("HTTP " + g.name, g.count, g.failed, g.latency);
    for (const auto& [problem, count] : f.problems)
        out += fmt::format("  {} x {}\n", count, problem);
    out += replica_lines(f) + second_lines(f);
    return out + fmt::format("\n  this machine: {}\n", chaos::machine_text(row.machine));
}

std::string summary(const Report& r) {
    std::string out = fmt::format("Summary\n  {:<24}{:>8}{:>8}{:>12}{:>10}{:>10}{:>10}{:>10}\n", "",
                                  "sent", "failed", "per second", "mean", "p50", "p99", "slowest");
    for (const Row& row : r.rows) {
        const Figures& f = row.figures;
        if (!row.problem.empty()) {
            out += fmt::format("  {:<24}not measured\n", row.load.name);
            continue;
        }
        out += fmt::format("  {:<24}{:>8}{:>8}{:>12.1f}{:>10}{:>10}{:>10}{:>10}\n", row.load.name,
                           f.sent, f.failed, f.rate, show_latency(f.latency.mean),
                           show_latency(f.latency.p50), show_latency(f.latency.p99),
                           show_latency(f.latency.max));
    }
    return out;
}

std::string comparison(const Report& now, const Report& before) {
    std::string out = fmt::format("\nCompared with {}\n", time_text(before.started));
    std::string last;
    for (const Change& c : changes(before, now)) {
        const std::string name = std::exchange(last, c.row) == c.row ? "" : c.row;
        out += fmt::format("  {:<24}{:<8}{:>16}{:>16}{}\n", name, c.figure, c.before, c.now,
                           c.change.empty() ? "" : fmt::format("{:>12}", c.change));
    }
    for (const std::string& name : unmatched(now, before))
        out += fmt::format("  {:<24}only in this report\n", name);
    for (const std::string& name : unmatched(before, now))
        out += fmt::format("  {:<24}only in the earlier report\n", name);
    return out;
}

} // namespace

std::string render(const Report& report, const Report* before) {
    const bool several = report.rows.size() > 1;
    std::string out;
    for (const Row& row : report.rows) out += row_text(row, several) + (several ? "\n" : "");
    if (several) out += summary(report);
    if (before != nullptr) out += comparison(report, *before);
    return out;
}

} // namespace hadeploy::bench
