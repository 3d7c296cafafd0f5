#include "cli/render/progress_text.h"

#include <algorithm>
#include <cctype>

namespace hadeploy::cli {

namespace {
constexpr std::int64_t kQuietMs = 10'000; ///< minimum time between similar lines
}

bool is_run(std::string_view result) {
    return result == "done" || result == "changed" || result == "failed";
}

std::string_view outcome(const Step& step, std::string_view result) {
    if (result != "done") return result.empty() ? "not begun" : result;
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
    return result;
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
