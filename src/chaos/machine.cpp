#include "chaos/machine.h"

#include <algorithm>
#include <condition_variable>
#include <fmt/format.h>
#include <fstream>
#include <mutex>
#include <sstream>
#include <thread>

namespace hadeploy::chaos {

namespace {

using Clock = std::chrono::steady_clock;

constexpr Us kWindow = std::chrono::seconds(10);

std::string read_proc(const std::string& path) {
    std::ifstream in(path);
    std::ostringstream text;
    text << in.rdbuf();
    return text.str();
}

std::size_t count_processors(std::string_view stat) {
    std::size_t count = 0;
    for (std::size_t at = 0; (at = stat.find("\ncpu", at)) != stat.npos; ++at) ++count;
    return std::max<std::size_t>(count, 1);
}

std::string percent(double share) {
    return fmt::format("{:.0f} %", share * 100);
}

std::string ms(Us time) {
    return fmt::format("{} ms", time.count() / 1000);
}

} // namespace

MachineSample parse_machine(Us at, std::string_view stat, std::string_view pressure,
                            std::string_view loadavg) {
    MachineSample out;
    out.at = at;
    // cpu user nice system idle iowait irq softirq steal guest guest_nice; the guests' time is part
    // of user and nice (proc(5))
    std::istringstream cpu{std::string(stat.substr(0, stat.find('\n')))};
    std::string name;
    cpu >> name;
    double ticks = 0;
    for (int column = 0; column < 8 && cpu >> ticks; ++column) {
        out.total += ticks;
        if (column == 7) out.stolen = ticks;
    }
    // some avg10=0.12 avg60=0.05 avg300=0.01 total=123456
    constexpr std::string_view kTotal = "total=";
    if (const auto found = pressure.find(kTotal); found != pressure.npos) {
        std::istringstream number{std::string(pressure.substr(found + kTotal.size()))};
        if (std::int64_t us = 0; number >> us) out.waiting = Us(us);
    }
    std::istringstream load{std::string(loadavg)};
    if (double minute = 0; load >> minute)
        out.load = minute / static_cast<double>(count_processors(stat));
    return out;
}

MachineUse use_of(const std::vector<MachineSample>& samples) {
    MachineUse use;
    const auto compare = [&](const MachineSample& from, const MachineSample& to) {
        if (to.total > from.total)
            use.steal = std::max(use.steal, (to.stolen - from.stolen) / (to.total - from.total));
        if (from.waiting && to.waiting && to.at > from.at)
            use.waiting = std::max(use.waiting.value_or(0),
                                   static_cast<double>((*to.waiting - *from.waiting).count()) /
                                       static_cast<double>((to.at - from.at).count()));
    };
    std::size_t from = 0;
    for (const MachineSample& to : samples) {
        use.load = std::max(use.load, to.load);
        // the latest sample that is at least one window older
        while (from + 1 < samples.size() && to.at - samples[from + 1].at >= kWindow) ++from;
        if (to.at - samples[from].at >= kWindow) compare(samples[from], to);
    }
    if (!samples.empty() && samples.back().at - samples.front().at < kWindow)
        compare(samples.front(), samples.back());
    return use;
}

void add_delays(MachineUse& use, const std::vector<Sample>& samples) {
    std::vector<Us> delays;
    for (const Sample& s : samples) delays.push_back(s.sent - s.intended);
    add_delays(use, std::move(delays));
}

void add_delays(MachineUse& use, std::vector<Us> delays) {
    std::sort(delays.begin(), delays.end());
    use.late_p99 = percentile(delays, 0.99);
    use.late_max = delays.empty() ? Us{0} : delays.back();
}

std::vector<std::string> doubts_about(const MachineUse& use) {
    std::vector<std::string> out;
    if (use.late_p99 > kMostLateP99)
        out.push_back(fmt::format("one of 100 requests was sent {} or more after it was due "
                                  "(limit: {})",
                                  ms(use.late_p99), ms(kMostLateP99)));
    if (use.late_max > kMostLate)
        out.push_back(fmt::format("a request was sent {} after it was due (limit: {})",
                                  ms(use.late_max), ms(kMostLate)));
    if (use.steal > kMostSteal)
        out.push_back(fmt::format("other machines of its hypervisor took {} of the processor time "
                                  "within 10 s (limit: {})",
                                  percent(use.steal), percent(kMostSteal)));
    if (use.waiting && *use.waiting > kMostWaiting)
        out.push_back(fmt::format("processes waited for a processor for {} of 10 s (limit: {})",
                                  percent(*use.waiting), percent(kMostWaiting)));
    if (!use.waiting && use.load > kMostLoad)
        out.push_back(fmt::format("the load average per processor was {:.1f} (limit: {:.1f})",
                                  use.load, kMostLoad));
    return out;
}

class MachineWatch::Loop {
  public:
    explicit Loop(Read read) : read_(read ? std::move(read) : read_proc) {
        take();
        thread_ = std::jthread([this](const std::stop_token& stop) {
            std::unique_lock lock(mutex_);
            while (!stop.stop_requested()) {
                const bool stopped = pause_.wait_for(lock, stop, std::chrono::seconds(1),
                                                     [&] { return stop.stop_requested(); });
                if (!stopped) take();
            }
        });
    }

    std::vector<MachineSample> stop() {
        thread_.request_stop();
        thread_.join();
        take();
        return std::move(samples_);
    }

  private:
    void take() {
        const Us at = std::chrono::duration_cast<Us>(Clock::now() - begin_);
        samples_.push_back(parse_machine(at, read_("/proc/stat"), read_("/proc/pressure/cpu"),
                                         read_("/proc/loadavg")));
    }

    const Read read_;
    const Clock::time_point begin_ = Clock::now();
    std::vector<MachineSample> samples_; ///< of the thread while it runs
    std::mutex mutex_;
    std::condition_variable_any pause_;
    std::jthread thread_;
};

MachineWatch::MachineWatch(Read read) : loop_(std::make_unique<Loop>(std::move(read))) {}
MachineWatch::~MachineWatch() = default;
std::vector<MachineSample> MachineWatch::stop() {
    return loop_->stop();
}

} // namespace hadeploy::chaos
