#include "chaos/report_text.h"

#include <algorithm>
#include <fmt/format.h>

namespace hadeploy::chaos {

namespace {

constexpr std::size_t kStripWidth = 80;

std::string headline(const Report& r) {
    return fmt::format("{}  {}{}, {} measured for {}\n", name_of(r.verdict()), r.title,
                       r.undone() ? " (undone)" : " (NOT undone)", r.app,
                       show_time(r.measured.length));
}

std::string threshold_lines(const Report& r) {
    std::string out;
    for (const Threshold& t : r.thresholds) {
        const char* mark = t.ok()                                        ? "ok"
                           : t.result == Threshold::Result::not_measured ? "-"
                                                                         : "MISSED";
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
                       s.gap.length > Us{0} ? "from " + clock_time(s.gap.from) : "");
}

std::string phase_lines(const Report& r) {
    std::string out;
    for (const Phase& p : r.phases)
        for (const auto& [name, part] : {std::pair{"reads", &p.reads}, {"writes", &p.writes}})
            out += fmt::format("  {:<8}{:>6}{:>8}{:>10}{:>10}   {} the fault{}\n", name, part->sent,
                               part->failed, "", show_time(part->p99), p.name,
                               r.faults.size() > 1 ? "s" : "");
    return out;
}

std::string fault_lines(const Report& r) {
    std::string out;
    for (const FaultRun& f : r.faults) {
        out += fmt::format("  {}: {} {} on {} before", f.label, f.tasks,
                           f.tasks == 1 ? "task ran" : "tasks ran", f.node);
        if (f.detected)
            out += fmt::format("; the swarm began to move tasks after {}", show_time(*f.detected));
        out += "\n";
        for (const auto& [what, last] :
             {std::pair{"read", f.last_failed_read}, {"write", f.last_failed_write}})
            if (last)
                out += fmt::format("  {}: the last failed {} ended after {}\n", f.label, what,
                                   show_time(*last));
    }
    return out;
}

std::string measured_lines(const Report& r) {
    const Measurement& m = r.measured;
    std::string out = fmt::format("  {:<8}{:>6}{:>8}{:>10}{:>10}{:>10}{:>10}\n", "", "sent",
                                  "failed", "p50", "p99", "slowest", "gap");
    out += series_line("reads", m.reads) + series_line("writes", m.writes) + phase_lines(r);
    for (const auto& [name, series] : {std::pair{"reads", &m.reads}, {"writes", &m.writes}})
        for (const auto& [problem, count] : series->problems)
            out += fmt::format("  failed {}: {} x {}\n", name, count, problem);
    out += fault_lines(r);
    if (const std::string text = leadership_text(r.leaders); !text.empty())
        out += fmt::format("  leader: {}\n", text);
    if (const std::string text = failover_text(m); !text.empty())
        out += fmt::format("  {}\n", text);
    if (r.load) out += fmt::format("  load: {}\n", r.load->text());
    if (const auto& w = r.writes) {
        out += fmt::format("  {} writes acknowledged, {} of them found at the end\n",
                           w->acknowledged, w->acknowledged - w->lost.size());
        if (w->unknown > 0)
            out += fmt::format("  {} writes of unknown outcome, {} of them found at the end\n",
                               w->unknown, w->unknown_found);
    }
    return out + fmt::format("  this machine: {}\n", machine_text(r.machine));
}

std::string activity_lines(const Report& r) {
    if (r.activities.empty()) return "";
    std::string out = "\nProbes and actions\n";
    for (const ActivityRun& a : r.activities) {
        if (!a.measured) continue;
        out += fmt::format("  {:<6}  {:>8}  {} ({}){}\n", a.problem.empty() ? "ok" : "FAILED",
                           clock_time(a.at), a.name, a.when,
                           a.problem.empty() ? (a.result.empty() ? "" : ": " + a.result)
                                             : ": " + a.problem);
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
    std::string reads, writes;
    for (std::size_t at = 0; at < seconds; at += each) {
        reads += cell(r.measured.reads, at, each);
        writes += cell(r.measured.writes, at, each);
    }
    std::string out = fmt::format("  {:<8}{}\n  {:<8}{}\n", "reads", reads, "writes", writes);
    for (const FaultRun& f : r.faults) {
        std::string band;
        for (std::size_t at = 0; at < seconds; at += each) {
            const Us from = std::chrono::seconds(at), to = std::chrono::seconds(at + each);
            band += to > f.began && from < f.ended.value_or(Us::max()) ? '=' : ' ';
        }
        out += fmt::format("  {:<8}{}\n", f.node.substr(0, 7), band);
    }
    return out + fmt::format("  {:<8}each character {} s: . all ok, x some failed, # all failed, = "
                             "fault\n",
                             "", each);
}

std::string moments(const Report& r) {
    std::string out;
    std::size_t lines = 0;
    for (const Moment& m : r.timeline) {
        if (m.output)
            ++lines;
        else
            out += fmt::format("  {:>8}  {}\n", clock_time(m.at), m.text);
    }
    if (lines > 0)
        out += fmt::format("  output of processes: {} {}, in the reports as JSON and HTML\n", lines,
                           lines == 1 ? "line" : "lines");
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
    out += listed("This machine was busy: its figures of time and failures cannot be trusted",
                  r.doubts);
    out += "\nMeasured\n" + measured_lines(r) + activity_lines(r);
    out += "\nTimeline\n" + strip(r) + moments(r);
    out += listed("Problems", r.notes);
    if (r.writes) {
        out += listed("Lost acknowledged writes", r.writes->lost);
        out += listed("Unexpected writes", r.writes->unexpected);
    }
    return out;
}

} // namespace hadeploy::chaos
