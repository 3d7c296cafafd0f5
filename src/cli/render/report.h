#pragma once

#include "cli/render/plan_steps.h"
#include "cli/render/terminal.h"
#include "engine/apply.h"

#include <nlohmann/json.hpp>
#include <string_view>

namespace hadeploy::cli {

/// How much of a report is shown.
struct ReportDetail : Detail {
    /// Completed steps are already visible as permanent lines on the same terminal.
    bool already_shown = false;
};

/// The report after apply: one line per changed resource, counts, duration, critical path, outputs.
/// Errors are printed separately. `milliseconds`: duration of the whole run.
std::string render_report(const Plan& plan, const ApplyResult& result, std::int64_t milliseconds,
                          const Style& style, const ReportDetail& detail = {});

/// The report as JSON, with times of steps, errors and warnings.
nlohmann::json report_json(const Plan& plan, const ApplyResult& result, std::int64_t milliseconds,
                           const Sources& sources);

/// Shown for a run whose counts are all zero.
inline constexpr std::string_view kOnlyOutputs = "only outputs changed";

/// The number of steps with each outcome, including 0.
nlohmann::json count_outcomes(const Plan& plan, const ApplyResult& result);

/// "3 created, 1 failed", from the counts in a report_json().
std::string counts_text(const nlohmann::json& counts);

/// `name = value` lines.
std::string render_outputs(const Value& outputs, const Style& style);

} // namespace hadeploy::cli
