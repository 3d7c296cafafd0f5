#pragma once

#include "cli/render/plan_steps.h"
#include "cli/render/terminal.h"
#include "engine/apply.h"

#include <nlohmann/json.hpp>
#include <string_view>

namespace hadeploy::cli {

/// What a report leaves out.
struct ReportDetail : Detail {
    /// What is done was said when it was done, in lines that stay on the same terminal.
    bool redacted = false;
};

/// After apply: one line a touched resource, counts, duration, critical path, outputs. Errors are
/// messages, not part of it. `milliseconds`: how long the whole run took.
std::string render_report(const Plan& plan, const ApplyResult& result, std::int64_t milliseconds,
                          const Style& style, const ReportDetail& detail = {});

/// For programs: counts, steps with their times, critical path, errors, warnings, outputs.
nlohmann::json report_json(const Plan& plan, const ApplyResult& result, std::int64_t milliseconds,
                           const Sources& sources);

/// What a run has changed whose counts are all zero.
inline constexpr std::string_view kOnlyOutputs = "only outputs changed";

/// "3 created, 1 failed", of the counts in a report_json().
std::string counts_text(const nlohmann::json& counts);

/// `name = value` lines.
std::string render_outputs(const Value& outputs, const Style& style);

} // namespace hadeploy::cli
