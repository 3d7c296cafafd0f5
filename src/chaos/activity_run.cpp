#include "chaos/activity_run.h"

#include "chaos/tolerance.h"

#include <fmt/format.h>

namespace hadeploy::chaos {

void OutputLines::add(Us at, std::string text) {
    constexpr std::size_t kMost = 2000; // so that a report stays readable
    const std::lock_guard lock(mutex_);
    if (added_ == kMost) return;
    if (++added_ == kMost) text += " (later lines are omitted)";
    lines_.push_back({at, std::move(text), true});
}

ActivityRun judged_run(ActivityRunner& runner, const Activity& activity, std::string when,
                       const std::stop_token& stop, const Meter& meter, OutputLines& output) {
    const bool action = activity.kind == Activity::Kind::action;
    ActivityRun run{.name = activity.name, .when = std::move(when), .at = meter.now()};
    run.judged = action || !activity.tolerance.is_null();
    const std::string type = activity.provider.text("type");
    std::function<void(std::string)> on_line; // what a probe prints is its result
    if (action)
        on_line = [&](const std::string& line) {
            output.add(meter.now(), fmt::format("{}: {}", activity.name, line));
        };
    try {
        const ActivityResult result = runner.run(activity, stop, on_line);
        run.result = result.shown;
        if (!result.details.empty()) run.result += ": " + result.details;
        if (!activity.tolerance.is_null()) {
            run.problem = intolerable(activity.tolerance, result.value);
            if (!run.problem.empty() && !result.details.empty())
                run.problem = type == "process" ? fmt::format("{}: {}", run.problem, result.details)
                                                : result.details;
        } else if (action && type == "process" && result.value.integer("status") != 0) {
            run.problem = run.result;
        }
    } catch (const Error& error) {
        run.problem = error.message;
        for (const Note& n : error.notes) run.problem += "; " + n.text;
    }
    return run;
}

} // namespace hadeploy::chaos
