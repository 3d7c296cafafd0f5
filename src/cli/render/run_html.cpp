#include "cli/render/run_html.h"

#include "cli/render/plan_text.h"
#include "cli/render/progress_text.h"
#include "cli/render/report.h"
#include "cli/render/text.h"
#include "core/page.h"
#include "embedded/run_css.h"

#include <algorithm>
#include <array>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <map>
#include <optional>
#include <set>

namespace hadeploy::cli {

namespace {
using StepRun = ApplyResult::StepRun;
using Hide = std::function<std::string(std::string_view)>;

constexpr std::int64_t kShortestWaitMs = 100; ///< shorter waits are not named

constexpr std::array<std::pair<Phase, std::string_view>, 6> kPhases{{
    {Phase::queued, "waits for its turn at its host or service"},
    {Phase::limited, "waits because of --parallelism"},
    {Phase::reading, "is read"},
    {Phase::changing, "is changed"},
    {Phase::polled, "is completed by the service"},
    {Phase::pausing, "pauses before it is retried"},
}};

struct Stretch {
    Phase phase;
    std::int64_t from_ms, to_ms;
};

std::vector<Stretch> stretches(const StepRun& run) {
    std::vector<Stretch> out;
    for (std::size_t i = 0; i < run.phases.size(); ++i) {
        const bool last = i + 1 == run.phases.size();
        const std::int64_t to = last ? run.ended_ms : run.phases[i + 1].at_ms;
        if (to > run.phases[i].at_ms) out.push_back({run.phases[i].phase, run.phases[i].at_ms, to});
    }
    return out;
}

/// The time when all steps that a step waits for had ended.
std::int64_t ready_ms(const StepRun& run) {
    if (!run.phases.empty()) return run.phases.front().at_ms;
    return run.started_ms != 0 ? run.started_ms : run.ended_ms;
}

std::int64_t begin_ms(const StepRun& run) {
    return run.started_ms != 0 ? run.started_ms : ready_ms(run);
}

/// The steps that ended, in the order in which they became ready.
std::vector<StepId> ended(const ApplyResult& result) {
    std::vector<StepId> out;
    for (StepId id = 0; id < result.steps.size(); ++id)
        if (result.steps[id].ended_ms != 0) out.push_back(id);
    std::stable_sort(out.begin(), out.end(), [&](StepId a, StepId b) {
        return begin_ms(result.steps[a]) < begin_ms(result.steps[b]);
    });
    return out;
}

/// The dependency of a step that ended last.
std::optional<StepId> last_before(const Plan& plan, const ApplyResult& result, StepId id) {
    std::optional<StepId> out;
    for (const StepId before : plan.steps[id].after_steps)
        if (!out || result.steps[before].ended_ms > result.steps[*out].ended_ms) out = before;
    return out;
}

std::string waits_of(const Plan& plan, const ApplyResult& result, StepId id,
                     std::int64_t began_ms) {
    const StepRun& run = result.steps[id];
    std::vector<std::string> out;
    const auto add = [&](std::int64_t ms, std::string_view what) {
        if (ms >= kShortestWaitMs) out.push_back(fmt::format("{} {}", show_elapsed(ms), what));
    };
    if (const auto before = last_before(plan, result, id))
        add(ready_ms(run) - began_ms, "for " + plan.steps[*before].address);
    std::map<Phase, std::int64_t> total;
    for (const Stretch& s : stretches(run)) total[s.phase] += s.to_ms - s.from_ms;
    add(total[Phase::queued], "for its turn");
    add(total[Phase::limited], "for --parallelism");
    add(total[Phase::reading], "for its state to be read");
    add(total[Phase::pausing], "before retries");
    return fmt::format("{}", fmt::join(out, "; "));
}

double percent(std::int64_t ms, std::int64_t of) {
    return of <= 0 ? 0 : 100.0 * static_cast<double>(ms) / static_cast<double>(of);
}

std::string bars(const StepRun& run, std::int64_t began_ms, std::int64_t took_ms) {
    std::string out;
    for (const Stretch& s : stretches(run))
        out += fmt::format("<i data-phase=\"{}\" style=\"left:{:.2f}%;width:{:.2f}%\"></i>",
                           phase_name(s.phase), percent(s.from_ms - began_ms, took_ms),
                           percent(s.to_ms - s.from_ms, took_ms));
    return out;
}

/// Marks at round times, at most six.
std::string axis(std::int64_t took_ms) {
    constexpr std::array<std::int64_t, 17> kRound{
        10,     20,     50,     100,     200,     500,     1'000,     2'000,    5'000,
        10'000, 30'000, 60'000, 120'000, 300'000, 600'000, 1'800'000, 3'600'000};
    std::int64_t interval = kRound.back();
    for (const std::int64_t round : kRound)
        if (took_ms / round < 6) {
            interval = round;
            break;
        }
    while (took_ms / interval >= 6) interval *= 2;
    std::string out;
    for (std::int64_t at = 0; at < std::max<std::int64_t>(took_ms, 1); at += interval)
        out += fmt::format("<span style=\"left:{:.2f}%\">{}</span>", percent(at, took_ms),
                           show_elapsed(at));
    return out;
}

std::string legend() {
    std::string out = "<p class=\"legend dim\">";
    for (const auto& [phase, text] : kPhases)
        out += fmt::format("<span><i data-phase=\"{}\"></i>{}</span> ", phase_name(phase), text);
    return out + "</p>\n";
}

std::string row(const Plan& plan, const ApplyResult& result, StepId id, bool critical,
                std::int64_t began_ms, std::int64_t took_ms, const Hide& hide) {
    const StepRun& run = result.steps[id];
    const Step& step = plan.steps[id];
    const std::string_view name = outcome(step, run.result);
    return fmt::format(
        "<tr data-testid=\"step\" data-state=\"{}\"{}><td>{}{}</td><td class=\"outcome\">{}</td>"
        "<td class=\"number\">{}</td><td class=\"number\">{}</td><td>{}</td>"
        "<td class=\"chart\" aria-hidden=\"true\">{}</td></tr>\n",
        name, critical ? " data-critical" : "", escape_markup(hide(printable(step.address))),
        critical ? " <span class=\"dim\">critical path</span>" : "",
        step.first_half ? "removed first" : name, show_elapsed(begin_ms(run) - began_ms),
        show_elapsed(run.ended_ms - begin_ms(run)),
        escape_markup(hide(printable(waits_of(plan, result, id, began_ms)))),
        bars(run, began_ms, took_ms));
}

std::string chart(const Plan& plan, const ApplyResult& result, std::int64_t began_ms,
                  std::int64_t took_ms, const Hide& hide) {
    const CriticalPath path = critical_path(plan, result);
    const std::set<StepId> critical(path.steps.begin(), path.steps.end());
    std::string rows;
    for (const StepId id : ended(result))
        rows += row(plan, result, id, critical.contains(id), began_ms, took_ms, hide);
    if (rows.empty()) return {};
    return fmt::format("<p>Critical path: {} of {}. No order of the steps takes less time.</p>\n{}",
                       show_elapsed(path.milliseconds), show_elapsed(took_ms), legend()) +
           "<div class=\"wide\" tabindex=\"0\" role=\"region\" aria-label=\"Steps\">"
           "<table class=\"steps\">\n<thead><tr><th scope=\"col\">Step</th>"
           "<th scope=\"col\">Result</th><th scope=\"col\" class=\"number\">Began</th>"
           "<th scope=\"col\" class=\"number\">Took</th><th scope=\"col\">Waited</th>"
           "<td class=\"chart axis\" aria-hidden=\"true\">" +
           axis(took_ms) + "</td></tr></thead>\n<tbody>\n" + rows + "</tbody></table></div>\n";
}

std::string bullets(std::string_view heading, const std::vector<std::string>& lines) {
    if (lines.empty()) return {};
    std::string out = fmt::format("<h3>{}</h3>\n<ul>\n", heading);
    for (const std::string& line : lines) out += "<li>" + escape_markup(line) + "</li>\n";
    return out + "</ul>\n";
}

std::vector<std::string> not_run(const Plan& plan, const ApplyResult& result, const Hide& hide) {
    std::vector<std::string> out;
    for (StepId id = 0; id < plan.steps.size(); ++id)
        if (result.steps[id].ended_ms == 0)
            out.push_back(fmt::format("{}: {}", hide(printable(plan.steps[id].address)),
                                      outcome(plan.steps[id], result.steps[id].result)));
    return out;
}

std::vector<std::string> messages(const std::vector<Error>& errors, const Hide& hide) {
    std::vector<std::string> out;
    for (const Error& e : errors)
        out.push_back(
            hide(printable(e.address.empty() ? e.message : e.address + ": " + e.message)));
    return out;
}
} // namespace

std::string run_section(std::string_view heading, const Plan& plan, const ApplyResult& result,
                        std::int64_t began_ms, std::int64_t took_ms, const Hide& hide) {
    const std::string_view state = result.interrupted ? "interrupted"
                                   : result.ok()      ? "passed"
                                                      : "failed";
    const std::string_view word = result.interrupted ? "Interrupted"
                                  : result.ok()      ? "Done"
                                                     : "Failed";
    const std::string counts = counts_text(count_outcomes(plan, result));
    return fmt::format("<section data-testid=\"run\">\n<header data-state=\"{}\"><h2>{}</h2>\n"
                       "<p><span class=\"verdict\">{}</span> after {}{}</p></header>\n",
                       state, escape_markup(hide(heading)), word, show_elapsed(took_ms),
                       counts.empty() ? "" : ": " + counts) +
           bullets("Errors", messages(result.errors, hide)) +
           bullets("Warnings", messages(result.warnings, hide)) +
           chart(plan, result, began_ms, took_ms, hide) +
           bullets("Not run", not_run(plan, result, hide)) + "</section>\n";
}

std::string run_page(std::string_view title, const std::vector<std::string>& sections) {
    std::string body = fmt::format("<main>\n<h1>{}</h1>\n", escape_markup(title));
    for (const std::string& section : sections) body += section;
    if (sections.empty()) body += "<p>Nothing to change.</p>\n";
    return html_page({.title = std::string(title),
                      .style = std::string(embedded::run_css),
                      .body = body + "</main>\n"});
}

} // namespace hadeploy::cli
