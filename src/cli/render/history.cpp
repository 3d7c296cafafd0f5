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

Json counts_of(const Run& run) {
    const Json summary = Json::parse(run.summary, nullptr, false);
    return summary.is_object() ? summary.value("counts", Json::object()) : Json::object();
}

std::string local_time(std::int64_t ms) {
    return fmt::format("{:%Y-%m-%d %H:%M:%S}", fmt::localtime(static_cast<std::time_t>(ms / 1000)));
}

Tint result_tint(RunResult result) {
    if (result == RunResult::done) return Tint::green;
    return result == RunResult::failed ? Tint::red : Tint::yellow;
}
} // namespace

std::string result_text(RunResult result) {
    return result == RunResult::not_ended ? "not ended" : std::string(run_result_name(result));
}

std::string render_history(const std::vector<Run>& runs, const Style& style) {
    if (runs.empty()) return "Nothing has been applied yet.\n";
    std::size_t number = 0, command = 0;
    for (const Run& run : runs) {
        number = std::max(number, std::to_string(run.id).size());
        command = std::max(command, columns_of(run.command));
    }
    std::string out;
    for (const Run& run : runs) {
        const std::string result = result_text(run.result);
        const Json all = counts_of(run);
        std::string counts = counts_text(all);
        if (counts.empty() && !all.empty() && run.result == RunResult::done) counts = kOnlyOutputs;
        out += fmt::format(
            "{:>{}}  {}  {}  {}{}\n", run.id, number, local_time(run.started_ms),
            pad(printable(run.command), command),
            style.paint(result_tint(run.result), counts.empty() ? result : pad(result, 11)),
            counts.empty() ? "" : "  " + counts);
    }
    return out;
}

Json run_json(const Run& run) {
    return {{"run", run.id},
            {"command", run.command},
            {"started_ms", run.started_ms},
            {"ended_ms", run.ended_ms},
            {"result", run_result_name(run.result)},
            {"counts", counts_of(run)}};
}

} // namespace hadeploy::cli
