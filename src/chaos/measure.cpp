#include "chaos/measure.h"

#include <algorithm>

namespace hadeploy::chaos {

Us percentile(const std::vector<Us>& sorted, double share) {
    if (sorted.empty()) return Us{0};
    const double rank = share * static_cast<double>(sorted.size());
    auto index = static_cast<std::size_t>(rank);
    if (static_cast<double>(index) == rank && index > 0) --index;
    return sorted[std::min(index, sorted.size() - 1)];
}

namespace {

Gap longest_gap(std::vector<Us> successes, Us length) {
    std::sort(successes.begin(), successes.end());
    Gap longest;
    Us last{0};
    const auto reach = [&](Us next) {
        if (next - last > longest.length) longest = {last, next - last};
        last = next;
    };
    for (const Us success : successes) reach(success);
    reach(std::max(length, last));
    return longest;
}

Series series_of(const std::vector<Sample>& samples, Kind kind, Us length, std::size_t urls) {
    Series s;
    s.failed_by_url.resize(urls);
    s.seconds.resize(static_cast<std::size_t>(length / std::chrono::seconds(1)) + 1);
    std::vector<Us> latencies, successes;
    for (const Sample& sample : samples) {
        if (sample.kind != kind) continue;
        ++s.sent;
        if (sample.failed_over) ++s.failed_over;
        const auto at = static_cast<std::size_t>(sample.intended / std::chrono::seconds(1));
        if (at >= s.seconds.size()) s.seconds.resize(at + 1);
        Second& second = s.seconds[at];
        if (sample.outcome == Outcome::ok) {
            ++s.ok;
            ++second.ok;
            latencies.push_back(sample.done - sample.intended);
            second.slowest = std::max(second.slowest, latencies.back());
            successes.push_back(sample.done);
            continue;
        }
        ++s.failed;
        ++second.failed;
        if (sample.outcome == Outcome::unknown) ++s.unknown;
        if (sample.url < urls) ++s.failed_by_url[sample.url];
        ++s.problems[sample.problem];
    }
    std::sort(latencies.begin(), latencies.end());
    s.p50 = percentile(latencies, 0.50);
    s.p90 = percentile(latencies, 0.90);
    s.p99 = percentile(latencies, 0.99);
    if (!latencies.empty()) s.max = latencies.back();
    s.gap = longest_gap(std::move(successes), length);
    return s;
}

} // namespace

Measurement measure(const std::vector<Sample>& samples, Us length, std::size_t urls) {
    return {length, series_of(samples, Kind::read, length, urls),
            series_of(samples, Kind::write, length, urls)};
}

Part part_of(const std::vector<Sample>& samples, Kind kind, Us from, Us to) {
    Part part;
    std::vector<Us> latencies;
    for (const Sample& s : samples) {
        if (s.kind != kind || s.intended < from || s.intended >= to) continue;
        ++part.sent;
        if (s.outcome == Outcome::ok)
            latencies.push_back(s.done - s.intended);
        else
            ++part.failed;
    }
    std::sort(latencies.begin(), latencies.end());
    part.p99 = percentile(latencies, 0.99);
    return part;
}

SetCheck check_writes(const Writes& writes, const std::set<std::string>& read,
                      std::string_view prefix) {
    SetCheck check;
    check.attempted = writes.size();
    for (const auto& [id, outcome] : writes) {
        const bool found = read.contains(id);
        if (outcome == Outcome::ok) {
            ++check.acknowledged;
            if (!found) check.lost.push_back(id);
        } else if (outcome == Outcome::unknown) {
            ++check.unknown;
            if (found) ++check.unknown_found;
        }
    }
    for (const std::string& id : read)
        if (id.starts_with(prefix) && !writes.contains(id)) check.unexpected.push_back(id);
    return check;
}

} // namespace hadeploy::chaos
