#include "visualizer/traffic.h"

#include <algorithm>
#include <cmath>

namespace hadeploy::svc {
namespace {

double seconds(Traffic::Time::duration time) {
    return std::chrono::duration<double>(time).count();
}

/// To a tenth.
double rounded(double number) {
    return std::round(number * 10) / 10;
}

} // namespace

void Traffic::update(const std::vector<Counts>& counts, Time now) {
    if (!first_ && counts.empty()) return;
    if (!first_) first_ = now;
    last_ = now;
    std::map<std::string, Known> known;
    for (const Counts& one : counts) {
        known[one.container] = {now, one};
        const auto found = known_.find(one.container);
        if (found == known_.end()) continue;
        const Known& before = found->second;
        if (before.at >= now || one.requests < before.counts.requests ||
            one.errors < before.counts.errors)
            continue; // it has started again
        if (one.requests == before.counts.requests) continue;
        parts_.push_back({one.container, before.at, now,
                          static_cast<double>(one.requests - before.counts.requests),
                          static_cast<double>(one.errors - before.counts.errors)});
    }
    known_ = std::move(known);
    std::erase_if(parts_, [&](const Part& part) { return part.end < now - kSpan - kStep; });
}

Traffic::Part Traffic::sum(Time begin, Time end, const std::string& container) const {
    Part out{container, begin, end};
    for (const Part& part : parts_) {
        if (!container.empty() && part.container != container) continue;
        const auto both = std::min(end, part.end) - std::max(begin, part.begin);
        if (both <= Time::duration::zero()) continue;
        const double share = seconds(both) / seconds(part.end - part.begin);
        out.requests += part.requests * share;
        out.errors += part.errors * share;
    }
    return out;
}

Json Traffic::to_json() const {
    if (!first_) return {};
    const Time from = std::max(*first_, last_ - kRecent);
    const auto rate = [&](const std::string& container) {
        return last_ > from ? rounded(sum(from, last_, container).requests / seconds(last_ - from))
                            : 0;
    };
    Json containers = Json::object();
    for (const auto& [name, known] : known_) containers[name] = rate(name);
    Json series = Json::array();
    // Fixed steps, so that a bar does not change once it is complete.
    const Time end(last_.time_since_epoch() / kStep * kStep);
    for (Time begin = end - kSpan; begin < end; begin += kStep) {
        const Part part = sum(begin, begin + kStep);
        series.push_back(
            {rounded(part.requests / seconds(kStep)), rounded(part.errors / seconds(kStep))});
    }
    return {{"rate", rate({})},
            {"errors", std::llround(sum(last_ - kSpan, last_).errors)},
            {"containers", std::move(containers)},
            {"series", std::move(series)}};
}

} // namespace hadeploy::svc
