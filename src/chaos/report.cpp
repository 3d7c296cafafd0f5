#include "chaos/report.h"

#include <algorithm>
#include <fmt/format.h>

namespace hadeploy::chaos {

using Result = Threshold::Result;

Verdict Report::verdict() const {
    return verdict_of(thresholds, doubts, interrupted);
}

Verdict verdict_of(const std::vector<Threshold>& thresholds, const std::vector<std::string>& doubts,
                   bool interrupted) {
    if (interrupted) return Verdict::interrupted;
    if (thresholds.empty()) return Verdict::failed;
    bool missed = false;
    for (const Threshold& t : thresholds) {
        if (t.ok()) continue;
        missed = true;
        // a busy machine cannot explain the loss of an acknowledged write
        if (!t.timing) return Verdict::failed;
    }
    if (!missed) return Verdict::passed;
    return doubts.empty() ? Verdict::failed : Verdict::inconclusive;
}

bool Report::undone() const {
    return std::all_of(faults.begin(), faults.end(),
                       [](const FaultRun& f) { return f.ended.has_value(); });
}

std::string_view name_of(Verdict verdict) {
    switch (verdict) {
    case Verdict::passed: return "PASSED";
    case Verdict::failed: return "FAILED";
    case Verdict::inconclusive: return "INCONCLUSIVE";
    case Verdict::interrupted: return "INTERRUPTED";
    }
    return "";
}

std::string show_time(Us time) {
    const double ms = static_cast<double>(time.count()) / 1e3;
    if (ms < 999.5) return fmt::format("{:.0f} ms", ms);
    if (ms < 99'950) return fmt::format("{:.1f} s", ms / 1e3);
    const auto seconds = static_cast<long>(ms / 1e3 + 0.5);
    return fmt::format("{} min {} s", seconds / 60, seconds % 60);
}

std::string machine_text(const MachineUse& use) {
    return fmt::format("steal {:.0f} %, {}, requests sent up to {} late", use.steal * 100,
                       use.waiting
                           ? fmt::format("waiting for a processor {:.0f} %", *use.waiting * 100)
                           : fmt::format("load per processor {:.1f}", use.load),
                       show_time(use.late_max));
}

std::string clock_time(Us at) {
    const auto tenths = at.count() / 100'000;
    return fmt::format("{}:{:02}.{}", tenths / 600, tenths / 10 % 60, tenths % 10);
}

std::string leadership_text(const std::vector<Leadership>& leaders) {
    std::string out;
    for (const Leadership& l : leaders) {
        const std::string node = l.node.empty() ? "none" : l.node;
        out += out.empty() ? node : fmt::format(", from {} {}", clock_time(l.at), node);
    }
    return out;
}

std::string failover_text(const Measurement& measured) {
    const std::size_t reads = measured.reads.failed_over, writes = measured.writes.failed_over;
    if (reads + writes == 0) return "";
    return fmt::format(
        "{} reads and {} writes were sent to a different URL: no connection to theirs", reads,
        writes);
}

std::vector<Phase> phases_of(const Report& report, const std::vector<Sample>& samples) {
    const Us end = report.measured.length;
    Us began = end, ended{0};
    for (const FaultRun& f : report.faults) {
        began = std::min(began, f.began);
        ended = std::max(ended, f.ended.value_or(end));
    }
    std::vector<Phase> out;
    const auto add = [&](std::string name, Us from, Us to) {
        if (to <= from) return;
        out.push_back({std::move(name), from, to, part_of(samples, Kind::read, from, to),
                       part_of(samples, Kind::write, from, to)});
    };
    add("before", Us{0}, began);
    add("during", began, ended);
    if (!report.faults.empty() && report.undone()) add("after", ended, end + Us{1});
    return out;
}

void add_last_failures(Report& report, const std::vector<Sample>& samples) {
    for (FaultRun& f : report.faults)
        for (const Sample& s : samples) {
            if (s.outcome == Outcome::ok || s.intended < f.began ||
                s.intended >= f.ended.value_or(report.measured.length))
                continue;
            auto& last = s.kind == Kind::read ? f.last_failed_read : f.last_failed_write;
            last = std::max(last.value_or(Us{0}), s.done - f.began);
        }
}

namespace {

/// A missing time is "never" after a complete drill, and "not measured" after an interrupted one.
Threshold time_limit(std::string name, Us limit, std::optional<Us> value, bool interrupted) {
    Threshold out{std::move(name), "at most " + show_time(limit),
                  value         ? show_time(*value)
                  : interrupted ? "not measured"
                                : "never",
                  Result::missed, true};
    if (value && *value <= limit) out.result = Result::met;
    if (!value && interrupted) out.result = Result::not_measured;
    return out;
}

Threshold at_most(std::string name, std::int64_t limit, std::size_t value) {
    const bool met = static_cast<std::int64_t>(value) <= limit;
    return {std::move(name), limit == 0 ? "none" : fmt::format("at most {}", limit),
            std::to_string(value), met ? Result::met : Result::missed};
}

Threshold failed_share(std::string_view what, double limit, const Series& s, bool interrupted) {
    Threshold out{fmt::format("failed {}", what), fmt::format("at most {:g} %", limit),
                  "not measured", Result::missed, true};
    if (s.sent == 0) {
        if (interrupted) out.result = Result::not_measured;
        return out;
    }
    const double share = 100.0 * static_cast<double>(s.failed) / static_cast<double>(s.sent);
    out.value = fmt::format("{:.1f} %", share);
    if (share <= limit) out.result = Result::met;
    return out;
}

void judge_faults(const Report& report, const Settings& settings, std::vector<Threshold>& out) {
    const bool several = report.faults.size() > 1;
    for (const FaultRun& f : report.faults) {
        out.push_back({fmt::format("{} undone", f.label), "yes", f.ended ? "yes" : "no",
                       f.ended ? Result::met : Result::missed});
        const std::string moved = f.moves ? "tasks moved" : "services complete";
        out.push_back(time_limit(several ? f.node + ": " + moved : moved,
                                 settings.max_reschedule.value_or(settings.patience), f.rescheduled,
                                 report.interrupted));
    }
    if (!report.faults.empty())
        out.push_back(time_limit("steady state again",
                                 settings.max_steady.value_or(settings.patience), report.steady,
                                 report.interrupted));
}

void judge_writes(const Report& report, const Settings& settings, std::vector<Threshold>& out) {
    if (report.writes) {
        out.push_back(
            at_most("acknowledged writes lost", settings.max_lost, report.writes->lost.size()));
        out.push_back(at_most("unexpected writes", 0, report.writes->unexpected.size()));
        return;
    }
    Threshold lost = at_most("acknowledged writes lost", settings.max_lost, 0);
    lost.value = "not measured: no final read";
    lost.result = report.interrupted ? Result::not_measured : Result::missed;
    out.push_back(std::move(lost));
}

} // namespace

std::vector<Threshold> judge(const Report& report, const Settings& settings) {
    std::vector<Threshold> out;
    const Measurement& m = report.measured;
    judge_faults(report, settings, out);
    out.push_back(
        time_limit("longest gap, reads", settings.max_gap, m.reads.gap.length, report.interrupted));
    out.push_back(time_limit("longest gap, writes", settings.max_gap, m.writes.gap.length,
                             report.interrupted));
    out.push_back(failed_share("reads", settings.max_failed_percent, m.reads, report.interrupted));
    out.push_back(
        failed_share("writes", settings.max_failed_percent, m.writes, report.interrupted));
    if (settings.max_failed) {
        out.push_back(
            at_most("failed requests", *settings.max_failed, m.reads.failed + m.writes.failed));
        out.back().timing = true;
    }
    judge_writes(report, settings, out);
    for (const ActivityRun& a : report.activities) {
        if (!a.judged) continue;
        const bool met = a.problem.empty();
        out.push_back({fmt::format("{} ({})", a.name, a.when), "yes",
                       !a.measured ? "not measured"
                       : met       ? "yes"
                                   : a.problem,
                       !a.measured ? Result::not_measured
                       : met       ? Result::met
                                   : Result::missed});
    }
    return out;
}

} // namespace hadeploy::chaos
