#include "common/service.h"

#include "common/log.h"

#include <csignal>
#include <cstdlib>
#include <exception>
#include <string_view>
#include <sys/resource.h>
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
