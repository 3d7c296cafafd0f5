#include "cli/commands/repeat.h"

#include "cli/render/errors.h"
#include "cli/render/plan_json.h"
#include "core/clock.h"

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <fmt/format.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

namespace hadeploy::cli {

namespace {
constexpr int kExitInterrupted = 130;
constexpr std::chrono::milliseconds kSignalPoll{50}; ///< how soon a signal is noticed

/// The child only reads, so a signal ends it immediately.
[[noreturn]] void run_child(const Context& context, const std::function<int()>& show) {
    std::signal(SIGINT, SIG_DFL);
    std::signal(SIGTERM, SIG_DFL);
    (void)::prctl(PR_SET_PDEATHSIG, SIGKILL);
    int code = 1;
    try {
        code = show();
    } catch (const Error& errors) {
        context.say(render_errors(errors.all(), context.project.sources(), context.err));
    } catch (const std::exception&) { // interrupted
    }
    (void)std::fflush(nullptr);
    ::_exit(code);
}

/// Waits for the child, and ends it at a signal.
void wait_for(pid_t child) {
    while (::waitpid(child, nullptr, WNOHANG) == 0) {
        if (stop_requested()) ::kill(child, SIGKILL);
        std::this_thread::sleep_for(kSignalPoll);
    }
}
} // namespace

int repeat(const Context& context, std::chrono::seconds interval,
           const std::function<int()>& show) {
    const Asking nothing_runs; // a signal needs no answer
    const bool redraws = can_redraw(STDOUT_FILENO);
    while (!stop_requested()) {
        const std::string head =
            fmt::format("{}, every {} s\n\n", timestamp(now_ms()), interval.count());
        context.print((redraws ? "\x1b[H\x1b[2J" : "") + head);
        const pid_t child = ::fork();
        if (child < 0) throw Error(ErrorKind::failed, "no process can be started");
        if (child == 0) run_child(context, show);
        wait_for(child);
        const auto end = std::chrono::steady_clock::now() + interval;
        while (!stop_requested() && std::chrono::steady_clock::now() < end)
            std::this_thread::sleep_for(kSignalPoll);
    }
    return kExitInterrupted;
}

} // namespace hadeploy::cli
