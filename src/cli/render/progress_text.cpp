#include "cli/render/progress_text.h"

#include <algorithm>
#include <cctype>

namespace hadeploy::cli {

namespace {
constexpr std::int64_t kQuietMs = 10'000; ///< minimum time between similar lines
}

bool is_run(StepResult result) {
    return result == StepResult::done || result == StepResult::changed ||
           result == StepResult::failed;
}

std::string_view outcome(const Step& step, StepResult result) {
    if (result == StepResult::not_begun) return "not begun";
    if (result != StepResult::done) return step_result_name(result);
    switch (step.action) {
    case Action::adopt: return "adopted";
    case Action::create: return "created";
    case Action::update: return "changed";
    case Action::replace: return "replaced";
    case Action::read: return "repaired";
    case Action::remove: return "removed";
    case Action::forget: return "forgotten";
    case Action::refresh: return "refreshed";
    }
    return {};
}

bool Throttle::is_news(const std::string& address, std::string_view text, std::int64_t now_ms) {
    std::string shape(text);
    std::erase_if(shape, [](unsigned char c) { return std::isdigit(c) || c == '.'; });
    Last& last = last_[address];
    if (last.shape == shape && now_ms - last.at_ms < kQuietMs) return false;
    last = {std::move(shape), now_ms};
    return true;
}

} // namespace hadeploy::cli
