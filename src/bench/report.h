#pragma once

#include "bench/figures.h"
#include "chaos/report.h"

namespace hadeploy::bench {

/// One measurement and its result.
struct Row {
    Load load;
    Figures figures;
    chaos::MachineUse machine;
    std::vector<std::string> doubts; ///< why the figures cannot be trusted
    std::vector<chaos::Threshold> thresholds;
    bool interrupted = false;
    bool cut_off = false;
    std::string problem; ///< why it was not measured; "": it was

    /// None without thresholds.
    [[nodiscard]] std::optional<chaos::Verdict> verdict() const;
};

struct Report {
    std::int64_t started = 0; ///< Unix time in milliseconds
    std::vector<Row> rows;

    /// The worst of the rows: interrupted, failed, inconclusive, passed.
    [[nodiscard]] std::optional<chaos::Verdict> verdict() const;
    /// Whether every row was measured and had a successful request.
    [[nodiscard]] bool measured() const;
};

/// Compares the figures of a row with its limits.
std::vector<chaos::Threshold> judge(const Row& row);

/// The value of a figure in the unit of Limit::value.
/// @param name  one of figure_names()
double figure(const Figures& figures, std::string_view name);
/// "31.4 ms", "1226.8 a second", "0.5 %"
std::string show_figure(std::string_view name, double value);

/// "0.82 ms", "31.4 ms", "1.2 s"; "-" for 0, which means that there is none
std::string show_latency(Us latency);

/// "100 requests, 10 at a time, no keep-alive", "20 requests a second for 10.0 s, keep-alive"
std::string load_text(const Load& load);

/// The verdict in capitals, or "MEASURED".
std::string_view heading_of(const std::optional<chaos::Verdict>& verdict);

/// "2026-12-02 10:00:00 UTC"
std::string time_text(std::int64_t unix_ms);

/// One figure of a row in two reports.
struct Change {
    std::string row, figure, before, now;
    std::string change; ///< "+12 %"; "" if there is no ratio
};

/// The figures of the rows that both reports have, by name.
std::vector<Change> changes(const Report& before, const Report& now);
/// The names of rows of `report` that `other` lacks or has not measured.
std::vector<std::string> unmatched(const Report& report, const Report& other);

} // namespace hadeploy::bench
