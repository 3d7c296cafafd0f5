#include "cli/render/report.h"

#include "cli/render/errors.h"
#include "cli/render/fold.h"
#include "cli/render/plan_summary.h"
#include "cli/render/plan_text.h"
#include "cli/render/progress_text.h"
#include "cli/render/text.h"
#include "cli/render/value_text.h"
#include "core/value_json.h"
#include "planner/graph/computed.h"

#include <algorithm>
#include <array>
#include <fmt/format.h>
#include <map>
#include <set>

namespace hadeploy::cli {

namespace {
constexpr std::int64_t kShowPathMs = 5'000; ///< shorter runs show no critical path
constexpr std::size_t kReportAddressColumns = 60;

/// In the order of output.
constexpr std::array<std::string_view, 15> kOutcomes{
    "created", "changed",   "repaired",  "replaced",  "removed", "adopted", "moved",    "read",
    "kept",    "forgotten", "refreshed", "unchanged", "failed",  "skipped", "not begun"};

/// The steps to report: a replacement is one step, represented by its first half if that failed.
std::vector<StepId> reported_steps(const Plan& plan, const ApplyResult& result) {
    std::set<std::string_view> failed;
    for (StepId id = 0; id < plan.steps.size(); ++id)
        if (plan.steps[id].first_half && result.steps[id].result == StepResult::failed)
            failed.insert(plan.steps[id].address);
    std::vector<StepId> out;
    for (StepId id = 0; id < plan.steps.size(); ++id)
        if (plan.steps[id].first_half == failed.contains(plan.steps[id].address)) out.push_back(id);
    return out;
}

Tint outcome_tint(std::string_view name) {
    if (name == "failed") return Tint::red;
    return name == "skipped" || name == "not begun" ? Tint::yellow : Tint::plain;
}

/// Unchanged resources, and those removed with their machine, get no line.
bool is_touched(const Step& step, std::string_view name) {
    if (name == "forgotten") return machines_in(step.before).empty();
    return name != "unchanged";
}

/// The steps that get a line.
std::vector<StepId> touched(const Plan& plan, const ApplyResult& result, bool already_shown) {
    std::vector<StepId> out;
    for (const StepId id : reported_steps(plan, result)) {
        const StepResult r = result.steps[id].result;
        if (!is_touched(plan.steps[id], outcome(plan.steps[id], r)) && !plan.refresh_only) continue;
        const bool said =
            r != StepResult::not_begun && r != StepResult::skipped && r != StepResult::forgotten;
        if (!already_shown || !said) out.push_back(id);
    }
    return out;
}

/// The duration of the slowest step; "" if none was run.
std::string time_of(const ApplyResult& result, const std::vector<StepId>& steps) {
    std::int64_t most = -1;
    for (const StepId id : steps) {
        const ApplyResult::StepRun& r = result.steps[id];
        if (is_run(r.result)) most = std::max(most, r.ended_ms - r.started_ms);
    }
    return most < 0 ? "" : show_elapsed(most);
}

std::string counts_of_steps(const Plan& plan, const ApplyResult& result,
                            const std::vector<StepId>& steps, const Style& style) {
    std::vector<Counted> all;
    for (const StepId id : steps) {
        const Step& step = plan.steps[id];
        all.push_back({step.address, step.type->name,
                       std::string(outcome(step, result.steps[id].result)),
                       std::string(step_symbol(step)), action_tint(step.action)});
    }
    return render_counts(all, style);
}

std::string steps_text(const Plan& plan, const ApplyResult& result, const ReportDetail& detail,
                       const Style& style) {
    const std::vector<StepId> steps = touched(plan, result, detail.already_shown);
    if (detail.summary) return counts_of_steps(plan, result, steps, style);
    std::vector<Said> all;
    for (const StepId id : steps) {
        const Step& step = plan.steps[id];
        const std::string_view name = outcome(step, result.steps[id].result);
        all.push_back(
            {step.address,
             {style.paint(action_tint(step.action), fmt::format("{:>3}", step_symbol(step))),
              std::string(name), style.paint(outcome_tint(name), pad(std::string(name), 9)),
              style.paint(outcome_tint(name), name)}});
    }
    const std::vector<Folded> folded = detail.unfold ? unfolded(all) : fold(all);
    std::size_t width = 0;
    for (const Folded& f : folded) width = std::max(width, columns_of(printable(f.address)));
    width = std::min(width, kReportAddressColumns);
    std::string out;
    for (const Folded& f : folded) {
        std::vector<StepId> members;
        for (const std::size_t i : f.members) members.push_back(steps[i]);
        std::string more = time_of(result, members);
        if (members.size() > 1)
            more = counted(members.size(), "instance") + (more.empty() ? "" : ", at most " + more);
        out += fmt::format("{} {}  {}{}\n", f.lines[0], pad(printable(f.address), width),
                           more.empty() ? f.lines[3] : f.lines[2], more.empty() ? "" : "  " + more);
    }
    return out;
}

/// The critical path, with the steps that took most of its time.
std::string render_path(const Plan& plan, const ApplyResult& result, std::int64_t milliseconds,
                        const Style& style) {
    const CriticalPath path = critical_path(plan, result);
    if (milliseconds < kShowPathMs || path.milliseconds <= 0) return {};
    std::string out = fmt::format("Critical path: {} of {}\n", show_elapsed(path.milliseconds),
                                  show_elapsed(milliseconds));
    std::size_t short_ones = 0;
    for (const StepId id : path.steps) {
        const std::int64_t took = result.steps[id].ended_ms - result.steps[id].started_ms;
        if (took * 50 < path.milliseconds)
            ++short_ones;
        else
            out +=
                fmt::format("{:>8}  {}\n", show_elapsed(took), printable(plan.steps[id].address));
    }
    if (short_ones > 0)
        out += fmt::format("{:>8}  and {}\n", "", counted(short_ones, "short step"));
    return style.paint(Tint::dim, out.substr(0, out.size() - 1)) + "\n";
}

std::string verdict(const Plan& plan, const ApplyResult& result, std::int64_t milliseconds,
                    const Style& style) {
    std::string counts = counts_text(count_outcomes(plan, result));
    if (counts.empty()) counts = kOnlyOutputs;
    const std::string took = show_elapsed(milliseconds);
    if (!result.ok())
        return fmt::format(
            "{} after {}: {}. Completed changes are recorded; the next {} continues from here.\n",
            result.interrupted ? style.paint(Tint::yellow, "Interrupted")
                               : style.paint(Tint::red, "Failed"),
            took, counts, plan.destroy ? "destroy" : "apply");
    return style.paint(Tint::green, plan.destroy ? "Destroyed" : "Done") +
           fmt::format(" in {}: {}.\n", took, counts);
}
} // namespace

nlohmann::json count_outcomes(const Plan& plan, const ApplyResult& result) {
    std::map<std::string, std::size_t> counts;
    for (const std::string_view name : kOutcomes) counts[std::string(name)] = 0;
    for (const StepId id : reported_steps(plan, result))
        ++counts[std::string(outcome(plan.steps[id], result.steps[id].result))];
    counts["moved"] = plan.moves.size();
    return counts;
}

std::string counts_text(const nlohmann::json& counts) {
    std::string out;
    for (const std::string_view name : kOutcomes) {
        const auto n = counts.value(std::string(name), std::int64_t{0});
        if (n > 0) out += fmt::format("{}{} {}", out.empty() ? "" : ", ", n, name);
    }
    return out;
}

std::string render_outputs(const Value& outputs, const Style& style) {
    if (!outputs.is_map()) return {};
    std::size_t width = 0;
    for (const Entry& e : outputs.as_map()) width = std::max(width, columns_of(printable(e.key)));
    std::string out;
    for (const Entry& e : outputs.as_map())
        out += fmt::format("{} = {}\n", style.paint(Tint::bold, pad(printable(e.key), width)),
                           value_text(nullptr, e.value));
    return out;
}

std::string render_report(const Plan& plan, const ApplyResult& result, std::int64_t milliseconds,
                          const Style& style, const ReportDetail& detail) {
    std::string out = steps_text(plan, result, detail, style);
    const auto section = [&](const std::string& text) {
        if (!text.empty()) out += (out.empty() ? "" : "\n") + text;
    };
    section(render_path(plan, result, milliseconds, style));
    if (result.ok() && !plan.destroy) section(render_outputs(result.outputs, style));
    section(verdict(plan, result, milliseconds, style));
    return out;
}

nlohmann::json report_json(const Plan& plan, const ApplyResult& result, std::int64_t milliseconds,
                           const Sources& sources) {
    using Json = nlohmann::json;
    Json steps = Json::array(), path_steps = Json::array();
    for (const StepId id : reported_steps(plan, result)) {
        const ApplyResult::StepRun& r = result.steps[id];
        const std::string_view name = outcome(plan.steps[id], r.result);
        steps.push_back({{"address", plan.steps[id].address},
                         {"action", action_name(plan.steps[id].action)},
                         {"outcome", name},
                         {"started_ms", r.started_ms},
                         {"ended_ms", r.ended_ms}});
    }
    const CriticalPath path = critical_path(plan, result);
    for (const StepId id : path.steps) path_steps.push_back(plan.steps[id].address);
    return {
        {"ok", result.ok()},
        {"interrupted", result.interrupted},
        {"milliseconds", milliseconds},
        {"counts", count_outcomes(plan, result)},
        {"steps", std::move(steps)},
        {"critical_path", {{"milliseconds", path.milliseconds}, {"steps", std::move(path_steps)}}},
        {"errors", errors_json(result.errors, sources)},
        {"warnings", errors_json(result.warnings, sources)},
        {"outputs",
         result.outputs.is_map() ? Json::parse(to_public_json(result.outputs)) : Json::object()}};
}

} // namespace hadeploy::cli
