#include "chaos/meter.h"

#include <algorithm>
#include <condition_variable>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <mutex>

namespace hadeploy::chaos {

bool pause(Ms length, const std::stop_token& stop) {
    std::mutex mutex;
    std::condition_variable_any nothing;
    std::unique_lock lock(mutex);
    nothing.wait_for(lock, stop, length, [] { return false; });
    return !stop.stop_requested();
}

Meter::Meter(const Settings& settings, std::filesystem::path log, DrillEvents& events,
             const std::stop_token& stop)
    : settings_(settings), log_(std::move(log)), events_(events), stop_(stop),
      rate_(settings.rate) {}

ProberSettings Meter::probing(int rate) const {
    return {settings_.urls,    settings_.read, settings_.write,   settings_.body, rate,
            settings_.timeout, log_,           settings_.failover};
}

std::optional<Calibration> Meter::calibrate() {
    if (settings_.ramp == Ms(0)) return std::nullopt;
    const Calibration out = chaos::calibrate(settings_.rate, settings_.load, settings_.well_p99,
                                             [&](int rate) { return measure_at(rate); });
    rate_ = out.used;
    events_.phase(out.text());
    return out;
}

Measurement Meter::measure_at(int rate) {
    events_.phase(fmt::format(
        "finding the load that the app sustains: {0} reads and {0} writes a second", rate));
    Prober prober(probing(rate));
    // at least one read and one write in a step
    const Ms least = std::chrono::ceil<Ms>(std::chrono::seconds(1)) / rate;
    if (!pause(std::max(settings_.ramp, least), stop_)) throw Interrupted();
    const ProberResult result = prober.stop();
    return measure(result.samples, result.length, settings_.urls.size());
}

void Meter::await_well_app(const std::string& what) {
    // a read and a write must be due in each half of it
    window_ = std::max<Us>(settings_.settle, Us(std::chrono::seconds(4)) / rate_);
    const auto deadline = std::chrono::steady_clock::now() + settings_.patience;
    for (;;) {
        prober_.emplace(probing(rate_));
        if (baseline()) return;
        const ProberResult result = prober_->stop();
        const Measurement m = measure(result.samples, result.length, settings_.urls.size());
        const std::string failed =
            fmt::format("{} of {} reads and {} of {} writes failed", m.reads.failed, m.reads.sent,
                        m.writes.failed, m.writes.sent);
        if (std::chrono::steady_clock::now() >= deadline) throw unwell(what, failed, m);
        events_.phase("waiting for a healthy app: " + failed);
    }
}

bool Meter::baseline() {
    events_.phase(fmt::format("measuring the baseline: {0} reads and {0} writes a second", rate_));
    const Us end = std::max<Us>(settings_.baseline, window_);
    Prober::Live live;
    while (live.failed == 0 && now() < end) {
        if (!pause(std::min(settings_.poll, std::chrono::ceil<Ms>(end - now())), stop_))
            throw Interrupted();
        live = prober_->live(window_);
        if (live.broken) prober_->stop(); // throws the error
        events_.app(now(), live);
    }
    // pending requests may still succeed
    const Us deadline = now() + settings_.timeout;
    while (live.failed == 0 && !live.clean && now() < deadline) {
        if (!pause(Ms(20), stop_)) throw Interrupted();
        live = prober_->live(window_);
    }
    return live.failed == 0 && live.clean;
}

Error Meter::unwell(const std::string& what, const std::string& failed,
                    const Measurement& m) const {
    Error error(ErrorKind::failed,
                fmt::format("{} is refused: the app fails without a fault: {}", what, failed));
    for (const auto& [kind, series] : {std::pair{"reads", &m.reads}, {"writes", &m.writes}})
        for (const auto& [problem, count] : series->problems)
            error.with_note(fmt::format("{} {}: {}", count, kind, problem));
    error.with_hint(fmt::format("check that {} can be reached from here and responds, then try "
                                "again",
                                fmt::join(settings_.urls, ", ")));
    return error;
}

} // namespace hadeploy::chaos
