#include "cli/render/history.h"

#include "cli/render/report.h"
#include "cli/render/text.h"

#include <algorithm>
#include <ctime>
#include <fmt/chrono.h>
#include <fmt/format.h>

namespace hadeploy::cli {

namespace {
using Json = nlohmann::json;
constexpr int kHistoryFormat = 1;
constexpr std::size_t kShortCommit = 10;

/// A part of the summary of a run, of the same kind as `otherwise`.
Json part_of_summary(const Run& run, const char* name, Json otherwise) {
    const Json summary = Json::parse(run.summary, nullptr, false);
    if (!summary.is_object() || !summary.contains(name)) return otherwise;
    return summary[name].type() == otherwise.type() ? summary[name] : otherwise;
}

Json counts_of(const Run& run) {
    return part_of_summary(run, "counts", Json::object());
}

std::string local_time(std::int64_t ms) {
    return fmt::format("{:%Y-%m-%d %H:%M:%S}", fmt::localtime(static_cast<std::time_t>(ms / 1000)));
}

Tint result_tint(RunResult result) {
    if (result == RunResult::done) return Tint::green;
    return result == RunResult::failed ? Tint::red : Tint::yellow;
}

const Value& origin_of(const Run& run) {
    return run.spec["origin"];
}

/// The origin of the saved plan that the run applied; null if the run applied none.
const Value& planned_of(const Run& run) {
    return run.spec["planned"];
}

/// "ann@laptop" or "GitHub Actions", with the commit; "" if it is not recorded.
std::string short_origin(const Value& origin) {
    if (!origin.is_map()) return "";
    std::string out = origin.has("ci") ? origin["ci"].text("system")
                                       : origin.text("user") + "@" + origin.text("host");
    if (origin.has("commit"))
        out += fmt::format(" {}{}", origin["commit"].text("id").substr(0, kShortCommit),
                           origin["commit"].flag("changed") ? "+" : "");
    return printable(out);
}

/// The lines of a run about who started it.
std::string origin_lines(const Value& origin) {
    if (!origin.is_map()) return "";
    std::string out = fmt::format("  by       {} on {}\n", printable(origin.text("user")),
                                  printable(origin.text("host")));
    if (origin.has("ci")) {
        const Value& ci = origin["ci"];
        out += fmt::format("  job      {} of {}, started by {}: {}\n", printable(ci.text("job")),
                           printable(ci.text("system")), printable(ci.text("user")),
                           printable(ci.text("url")));
    }
    if (origin.has("commit"))
        out += fmt::format("  commit   {}{}\n", printable(origin["commit"].text("id")),
                           origin["commit"].flag("changed") ? ", with uncommitted changes" : "");
    return out;
}

/// The steps of a run with their outcomes. Its summary also has those that failed or were skipped,
/// but exists only when the run has ended.
Json steps_of(const Run& run, const std::vector<StepRecord>& recorded) {
    const auto is_step = [](const Json& step) {
        const auto is_text = [&](const char* key) {
            return step.contains(key) && step[key].is_string();
        };
        const auto is_time = [&](const char* key) {
            return step.contains(key) && step[key].is_number_integer();
        };
        return step.is_object() && is_text("address") && is_text("action") && is_text("outcome") &&
               is_time("started_ms") && is_time("ended_ms");
    };
    Json out = part_of_summary(run, "steps", Json::array());
    if (!out.empty() && std::all_of(out.begin(), out.end(), is_step)) return out;
    out = Json::array();
    for (const StepRecord& step : recorded)
        out.push_back({{"address", step.address},
                       {"action", action_name(step.action)},
                       {"outcome", step_result_name(step.result)},
                       {"started_ms", step.started_ms},
                       {"ended_ms", step.ended_ms}});
    return out;
}

std::string step_lines(const Json& steps, const Style& style) {
    const auto text = [](const Json& step, const char* key) {
        return printable(step.value(key, ""));
    };
    std::size_t address = 0;
    for (const Json& step : steps) address = std::max(address, columns_of(text(step, "address")));
    std::string out;
    for (const Json& step : steps) {
        const std::string outcome = text(step, "outcome");
        out += fmt::format("  {:<7}  {}  {:>6}  {}\n", text(step, "action"),
                           pad(text(step, "address"), address),
                           show_elapsed(step.value("ended_ms", std::int64_t{0}) -
                                        step.value("started_ms", std::int64_t{0})),
                           style.paint(outcome == "failed" ? Tint::red : Tint::plain, outcome));
    }
    return out;
}
} // namespace

std::string result_text(RunResult result) {
    return result == RunResult::not_ended ? "not ended" : std::string(run_result_name(result));
}

std::string render_history(const std::vector<Run>& runs, const Style& style) {
    if (runs.empty()) return "Nothing has been applied yet.\n";
    std::size_t number = 0, command = 0, origin = 0;
    for (const Run& run : runs) {
        number = std::max(number, std::to_string(run.id).size());
        command = std::max(command, columns_of(run.command));
        origin = std::max(origin, columns_of(short_origin(origin_of(run))));
    }
    std::string out;
    for (const Run& run : runs) {
        const std::string result = result_text(run.result);
        const Json all = counts_of(run);
        std::string counts = counts_text(all);
        if (counts.empty() && !all.empty() && run.result == RunResult::done) counts = kOnlyOutputs;
        out += fmt::format(
            "{:>{}}  {}  {}  {}{}{}\n", run.id, number, local_time(run.started_ms),
            pad(printable(run.command), command),
            origin == 0 ? "" : pad(short_origin(origin_of(run)), origin) + "  ",
            style.paint(result_tint(run.result), counts.empty() ? result : pad(result, 11)),
            counts.empty() ? "" : "  " + counts);
    }
    return out;
}

std::string render_run(const Run& run, const std::vector<StepRecord>& steps, const Style& style) {
    std::string out = fmt::format(
        "Run {}: {}\n  started  {}{}\n  result   {}\n", run.id, printable(run.command),
        local_time(run.started_ms),
        run.ended_ms == 0 ? "" : ", took " + show_elapsed(run.ended_ms - run.started_ms),
        style.paint(result_tint(run.result), result_text(run.result)));
    out += origin_lines(origin_of(run));
    if (planned_of(run).is_map())
        out += fmt::format("  plan     saved by {}\n", short_origin(planned_of(run)));
    if (const std::string plan = run.spec.text("plan"); !plan.empty())
        out += "\nThe plan was:\n\n" + printable(plan, true);
    if (const Json all = steps_of(run, steps); !all.empty())
        out += "\nThe steps were:\n\n" + step_lines(all, style);
    for (const Json& error : part_of_summary(run, "errors", Json::array()))
        if (error.is_object() && error.contains("message") && error["message"].is_string())
            out += fmt::format("\n{} {}\n", style.paint(Tint::red, "error:"),
                               printable(error["message"].get<std::string>()));
    return out;
}

namespace {
/// The run's spec is encrypted as a whole, but this part of it is not secret.
Json origin_json(const Value& origin) {
    Json out{{"user", origin.text("user")}, {"host", origin.text("host")}};
    if (origin.has("ci"))
        for (const char* key : {"system", "job", "url", "user"})
            out["ci"][key] = origin["ci"].text(key);
    if (origin.has("commit"))
        out["commit"] = {{"id", origin["commit"].text("id")},
                         {"changed", origin["commit"].flag("changed")}};
    return out;
}
} // namespace

Json run_json(const Run& run) {
    Json out{{"format_version", kHistoryFormat}, {"run", run.id},
             {"command", run.command},           {"started_ms", run.started_ms},
             {"ended_ms", run.ended_ms},         {"result", run_result_name(run.result)},
             {"counts", counts_of(run)}};
    if (origin_of(run).is_map()) out["origin"] = origin_json(origin_of(run));
    if (planned_of(run).is_map()) out["planned"] = origin_json(planned_of(run));
    return out;
}

Json run_json(const Run& run, const std::vector<StepRecord>& steps) {
    Json out = run_json(run);
    out["plan"] = run.spec.text("plan");
    out["steps"] = steps_of(run, steps);
    out["errors"] = part_of_summary(run, "errors", Json::array());
    return out;
}

} // namespace hadeploy::cli
