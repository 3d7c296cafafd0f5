#include "cli/watch/situation.h"

#include <algorithm>
#include <fmt/format.h>

namespace hadeploy::cli {

namespace {
using Kind = WatchEvent::Kind;

constexpr std::chrono::seconds kLongestPause = std::chrono::hours(1);

WatchEvent event_of(const std::string& address, const Finding& finding) {
    switch (finding.condition) {
    case Condition::in_sync: return {Kind::in_sync, address, ""};
    case Condition::pending: return {Kind::pending, address, finding.text};
    case Condition::unreadable: return {Kind::unreadable, address, finding.text};
    case Condition::drifted: break;
    }
    if (finding.by_hand.empty()) return {Kind::drift, address, finding.text};
    return {Kind::drift, address,
            fmt::format("{} (not repaired by hadeploy watch: {})", finding.text, finding.by_hand)};
}

std::string_view label(Kind kind) {
    switch (kind) {
    case Kind::drift: return "drift";
    case Kind::pending: return "pending";
    case Kind::unreadable: return "cannot be read";
    case Kind::in_sync: return "in sync again";
    case Kind::failed: return "cannot compare";
    case Kind::recovered: return "compares again";
    case Kind::repaired: return "repaired";
    case Kind::repair_failed: return "repair failed";
    case Kind::repair_postponed: return "repair postponed";
    }
    return "";
}
} // namespace

std::string_view event_name(Kind kind) {
    switch (kind) {
    case Kind::drift: return "drift";
    case Kind::pending: return "pending";
    case Kind::unreadable: return "unreadable";
    case Kind::in_sync: return "in_sync";
    case Kind::failed: return "failed";
    case Kind::recovered: return "recovered";
    case Kind::repaired: return "repaired";
    case Kind::repair_failed: return "repair_failed";
    case Kind::repair_postponed: return "repair_postponed";
    }
    return "";
}

std::string event_text(const WatchEvent& event) {
    std::string out(label(event.kind));
    for (const std::string& part : {event.address, event.text})
        if (!part.empty()) out += ": " + part;
    return out;
}

WatchEvents changes_between(const std::map<std::string, Finding>& before,
                            const std::map<std::string, Finding>& now) {
    WatchEvents out;
    for (const auto& [address, finding] : now) {
        const auto was = before.find(address);
        if (was == before.end() || was->second != finding)
            out.push_back(event_of(address, finding));
    }
    for (const auto& [address, finding] : before)
        if (!now.contains(address)) out.push_back({Kind::in_sync, address, ""});
    return out;
}

void RepairPace::failed(Clock::time_point now, std::chrono::seconds interval) {
    pause_ = std::min(pause_.count() == 0 ? interval : pause_ * 2, kLongestPause);
    next_ = now + pause_;
}

} // namespace hadeploy::cli
