#include "bench/report.h"

#include <algorithm>
#include <ctime>
#include <fmt/chrono.h>
#include <fmt/format.h>
#include <utility>

namespace hadeploy::bench {

using chaos::show_time;
using chaos::Threshold;
using chaos::Verdict;

std::optional<Verdict> Row::verdict() const {
    if (thresholds.empty() && !interrupted) return std::nullopt;
    return chaos::verdict_of(thresholds, doubts, interrupted);
}

std::optional<Verdict> Report::verdict() const {
    std::optional<Verdict> worst;
    for (const Row& row : rows) {
        const auto verdict = row.verdict();
        if (!verdict) continue;
        const auto rank = [](Verdict v) {
            return v == Verdict::interrupted    ? 3
                   : v == Verdict::failed       ? 2
                   : v == Verdict::inconclusive ? 1
                                                : 0;
        };
        if (!worst || rank(*verdict) > rank(*worst)) worst = verdict;
    }
    return worst;
}

bool Report::measured() const {
    return std::all_of(rows.begin(), rows.end(), [](const Row& row) {
        return row.problem.empty() && (row.figures.ok > 0 || row.interrupted);
    });
}

double figure(const Figures& f, std::string_view name) {
    const auto ms = [](Us time) { return static_cast<double>(time.count()) / 1e3; };
    if (name == "mean") return ms(f.latency.mean);
    if (name == "p50") return ms(f.latency.p50);
    if (name == "p90") return ms(f.latency.p90);
    if (name == "p95") return ms(f.latency.p95);
    if (name == "p99") return ms(f.latency.p99);
    if (name == "max") return ms(f.latency.max);
    if (name == "rate") return f.rate;
    return f.sent == 0 ? 0 : 100.0 * static_cast<double>(f.failed) / static_cast<double>(f.sent);
}

std::string show_figure(std::string_view name, double value) {
    if (name == "rate") return fmt::format("{:.1f} a second", value);
    if (name == "failed") return fmt::format("{:.3g} %", value);
    return show_latency(Us(static_cast<std::int64_t>(value * 1e3 + 0.5)));
}

std::vector<Threshold> judge(const Row& row) {
    std::vector<Threshold> out;
    for (const Limit& limit : row.load.limits) {
        const bool at_least = limit.figure == "rate";
        Threshold t{.name = limit.figure,
                    .limit = fmt::format("at {} {}", at_least ? "least" : "most",
                                         show_figure(limit.figure, limit.value)),
                    .value = "not measured",
                    .result = Threshold::Result::missed,
                    .timing = true};
        // without a success there is no latency
        const std::size_t base = limit.figure == "failed" ? row.figures.sent : row.figures.ok;
        if (base > 0 || at_least) {
            const double value = figure(row.figures, limit.figure);
            t.value = show_figure(limit.figure, value);
            if (at_least ? value >= limit.value : value <= limit.value)
                t.result = Threshold::Result::met;
        } else if (row.interrupted) {
            t.result = Threshold::Result::not_measured;
        }
        out.push_back(std::move(t));
    }
    return out;
}

std::string show_latency(Us latency) {
    if (latency == Us{0}) return "-";
    const double ms = static_cast<double>(latency.count()) / 1e3;
    if (ms < 9.995) return fmt::format("{:.2f} ms", ms);
    if (ms < 99.95) return fmt::format("{:.1f} ms", ms);
    return show_time(latency);
}

std::string load_text(const Load& load) {
    const std::string keep = load.keep_alive ? "keep-alive" : "no keep-alive";
    if (load.rate)
        return fmt::format("{:g} {} a second for {}, {}", *load.rate,
                           *load.rate == 1 ? "request" : "requests", show_time(load.duration),
                           keep);
    return fmt::format("{} {}, {} at a time, {}", load.requests,
                       load.requests == 1 ? "request" : "requests", load.concurrency, keep);
}

std::string_view heading_of(const std::optional<Verdict>& verdict) {
    return verdict ? chaos::name_of(*verdict) : "MEASURED";
}

std::string time_text(std::int64_t unix_ms) {
    return fmt::format("{:%Y-%m-%d %H:%M:%S} UTC",
                       fmt::gmtime(static_cast<std::time_t>(unix_ms / 1000)));
}

namespace {

const Row* row_named(const Report& report, const std::string& name) {
    for (const Row& row : report.rows)
        if (row.load.name == name && row.problem.empty()) return &row;
    return nullptr;
}

Change change_of(const Row& before, const Row& now, const std::string& name) {
    const double a = figure(before.figures, name), b = figure(now.figures, name);
    Change out{now.load.name, name, show_figure(name, a), show_figure(name, b), ""};
    if (a > 0 && name != "failed") out.change = fmt::format("{:+.1f} %", (b / a - 1) * 100);
    return out;
}

} // namespace

std::vector<Change> changes(const Report& before, const Report& now) {
    std::vector<Change> out;
    for (const Row& row : now.rows)
        if (const Row* earlier = row_named(before, row.load.name); earlier && row.problem.empty())
            for (const char* name : {"rate", "mean", "p50", "p99", "max", "failed"})
                out.push_back(change_of(*earlier, row, name));
    return out;
}

std::vector<std::string> unmatched(const Report& report, const Report& other) {
    std::vector<std::string> out;
    for (const Row& row : report.rows)
        if (row_named(other, row.load.name) == nullptr) out.push_back(row.load.name);
    return out;
}

} // namespace hadeploy::bench
