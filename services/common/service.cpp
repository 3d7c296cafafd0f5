#include "common/service.h"

#include "common/env.h"
#include "common/log.h"

#include <chrono>
#include <condition_variable>
#include <csignal>
#include <cstdlib>
#include <exception>
#include <mutex>
#include <stop_token>
#include <string_view>
#include <sys/resource.h>
#include <thread>
#include <unistd.h>

namespace hadeploy::svc {
namespace {

sigset_t stop_signals() {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    return set;
}

/// Ends this process if it stops responding, so that the swarm starts it again. Unlike a health
/// check of the container, this needs no other process.
class Watchdog {
  public:
    explicit Watchdog(const std::function<bool()>& is_healthy)
        : interval_(env_millis("WATCHDOG_MS", 10'000)),
          thread_([this, &is_healthy](const std::stop_token& stop) { watch(is_healthy, stop); }) {}

  private:
    static constexpr int kMostFailures = 3;

    void watch(const std::function<bool()>& is_healthy, const std::stop_token& stop) const {
        int failures = 0;
        for (bool started = false; pause(stop);) {
            const bool healthy = answers(is_healthy);
            if (healthy && !started) log_info("healthy");
            started = started || healthy; // before its first success, it is still starting
            failures = healthy || !started ? 0 : failures + 1;
            if (failures == kMostFailures)
                leave_at_once("hangs", "no response to its own "
                                       "requests");
        }
    }
    static bool answers(const std::function<bool()>& is_healthy) {
        try {
            return is_healthy();
        } catch (const std::exception&) {
            return false;
        }
    }
    /// False if stopped.
    bool pause(const std::stop_token& stop) const {
        std::mutex mutex;
        std::unique_lock lock(mutex);
        std::condition_variable_any nothing;
        nothing.wait_for(lock, stop, interval_, [] { return false; });
        return !stop.stop_requested();
    }

    std::chrono::milliseconds interval_;
    std::jthread thread_;
};

/// Each connection needs a descriptor, and the soft limit is often 1024.
void raise_file_limit() {
    rlimit files{};
    if (::getrlimit(RLIMIT_NOFILE, &files) != 0) return;
    files.rlim_cur = files.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &files);
}

} // namespace

void wait_for_stop() {
    const sigset_t set = stop_signals();
    int signal = 0;
    sigwait(&set, &signal);
    log_info("stopping");
}

int service_main(int argc, char** argv, const std::function<void()>& run,
                 const std::function<bool()>& is_healthy) {
    // The resolver's default of 10 s is too long for a request if a name is briefly missing.
    setenv("RES_OPTIONS", "timeout:1 attempts:1", 0);
    try {
        if (argc == 2 && std::string_view(argv[1]) == "--healthcheck") return is_healthy() ? 0 : 1;
        // Blocked before the first thread starts, so that only wait_for_stop() receives them.
        const sigset_t set = stop_signals();
        pthread_sigmask(SIG_BLOCK, &set, nullptr);
        raise_file_limit();
        const Watchdog watchdog(is_healthy);
        run();
        log_info("stopped");
        return 0;
    } catch (const std::exception& error) {
        log_error("failed", {{"reason", error.what()}});
        return 1;
    }
}

void leave_at_once(const char* event, const char* reason) {
    log_error(event, {{"reason", reason}});
    _exit(1);
}

} // namespace hadeploy::svc
