#include "bench/figures.h"

#include <algorithm>
#include <numeric>

namespace hadeploy::bench {

Latency latency_of(std::vector<Us> latencies) {
    if (latencies.empty()) return {};
    std::sort(latencies.begin(), latencies.end());
    const Us sum = std::accumulate(latencies.begin(), latencies.end(), Us{0});
    const auto share = [&](double part) { return chaos::percentile(latencies, part); };
    return {.mean = sum / static_cast<std::int64_t>(latencies.size()),
            .p50 = share(0.50),
            .p90 = share(0.90),
            .p95 = share(0.95),
            .p99 = share(0.99),
            .max = latencies.back()};
}

namespace {

struct Collected {
    std::size_t count = 0, failed = 0;
    std::vector<Us> latencies;
};

std::vector<Group> groups_of(std::map<std::string, Collected> collected) {
    std::vector<Group> out;
    for (auto& [name, c] : collected)
        out.push_back({name, c.count, c.failed, latency_of(std::move(c.latencies))});
    return out;
}

std::vector<Second> seconds_of(const std::vector<Sample>& samples) {
    std::vector<Second> out;
    std::vector<std::vector<Us>> latencies;
    for (const Sample& s : samples) {
        const auto at = static_cast<std::size_t>(s.intended / std::chrono::seconds(1));
        if (at >= out.size()) {
            out.resize(at + 1);
            latencies.resize(at + 1);
        }
        ++(s.ok() ? out[at].ok : out[at].failed);
        if (s.ok()) latencies[at].push_back(s.latency());
    }
    for (std::size_t i = 0; i < out.size(); ++i) {
        const Latency latency = latency_of(std::move(latencies[i]));
        out[i].p50 = latency.p50;
        out[i].p99 = latency.p99;
        out[i].max = latency.max;
    }
    return out;
}

} // namespace

Figures figures_of(const Recording& recording) {
    Figures out;
    out.length = recording.length;
    std::map<std::string, Collected> codes, replicas; // three digits sort as numbers
    std::vector<Us> latencies;
    for (const Sample& s : recording.samples) {
        ++out.sent;
        ++(s.ok() ? out.ok : out.failed);
        if (s.ok()) latencies.push_back(s.latency());
        if (s.problem != 0) ++out.problems[recording.problems[s.problem]];
        if (s.status == 0) continue;
        if (!s.reused) ++out.connections;
        Collected& code = codes[std::to_string(s.status)];
        ++code.count;
        if (!s.ok()) ++code.failed;
        code.latencies.push_back(s.latency());
        if (s.replica == 0) continue;
        Collected& replica = replicas[recording.replicas[s.replica]];
        ++replica.count;
        if (s.ok())
            replica.latencies.push_back(s.latency());
        else
            ++replica.failed;
    }
    out.latency = latency_of(std::move(latencies));
    out.codes = groups_of(std::move(codes));
    out.replicas = groups_of(std::move(replicas));
    out.seconds = seconds_of(recording.samples);
    if (out.length > Us{0})
        out.rate = static_cast<double>(out.ok) / (static_cast<double>(out.length.count()) / 1e6);
    return out;
}

} // namespace hadeploy::bench
