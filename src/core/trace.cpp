#include "core/trace.h"

#include "core/file.h"
#include "core/log.h"

#include <atomic>
#include <fstream>
#include <mutex>
#include <nlohmann/json.hpp>
#include <unistd.h>
#include <vector>

namespace hadeploy {

namespace {
using Clock = std::chrono::steady_clock;

struct Event {
    std::string name, detail;
    std::int64_t begin_us, length_us;
    std::int64_t resident_kib; ///< memory of the process at the end of the span
    int thread;
};

struct Trace {
    std::atomic<bool> on = false;
    Clock::time_point begin;
    std::mutex mutex;
    std::vector<Event> events; ///< guarded by mutex
};

Trace& trace() {
    static Trace the;
    return the;
}

/// Numbers threads from 1. A viewer draws a line for each of them.
int thread_number() {
    static std::atomic<int> next = 1;
    static thread_local const int mine = next++;
    return mine;
}

std::int64_t resident_kib() {
    long pages = 0, resident = 0;
    std::ifstream("/proc/self/statm") >> pages >> resident;
    return static_cast<std::int64_t>(resident) * ::sysconf(_SC_PAGESIZE) / 1024;
}

std::int64_t microseconds(Clock::duration d) {
    return std::chrono::duration_cast<std::chrono::microseconds>(d).count();
}
} // namespace

void start_trace() {
    trace().begin = Clock::now();
    trace().on = true;
}

Span::Span(std::string_view name, std::string_view detail)
    : name_(name), traced_(trace().on), logged_(log::enabled(log::Level::debug)) {
    if (!traced_ && !logged_) return;
    detail_ = detail;
    begin_ = Clock::now();
}

Span::~Span() {
    if (!traced_ && !logged_) return;
    const auto end = Clock::now();
    if (logged_)
        log::write(log::Level::debug, name_,
                   {{"on", detail_}, {"ms", std::to_string(microseconds(end - begin_) / 1000)}});
    if (!traced_) return;
    Trace& t = trace();
    const std::lock_guard lock(t.mutex);
    t.events.push_back({std::string(name_), std::move(detail_), microseconds(begin_ - t.begin),
                        microseconds(end - begin_), resident_kib(), thread_number()});
}

void write_trace(const std::filesystem::path& file) {
    Trace& t = trace();
    const std::lock_guard lock(t.mutex);
    nlohmann::json events = nlohmann::json::array();
    for (const Event& e : t.events) {
        nlohmann::json event{{"name", e.name},     {"ph", "X"},         {"ts", e.begin_us},
                             {"dur", e.length_us}, {"pid", ::getpid()}, {"tid", e.thread}};
        if (!e.detail.empty()) event["args"] = {{"on", e.detail}};
        events.push_back(std::move(event));
        events.push_back({{"name", "memory"},
                          {"ph", "C"},
                          {"ts", e.begin_us + e.length_us},
                          {"pid", ::getpid()},
                          {"args", {{"MiB", e.resident_kib / 1024}}}});
    }
    write_file(file,
               nlohmann::json{{"traceEvents", std::move(events)}, {"displayTimeUnit", "ms"}}.dump(
                   -1, ' ', false, nlohmann::json::error_handler_t::replace) +
                   "\n",
               0644);
}

} // namespace hadeploy
