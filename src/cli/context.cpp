#include "cli/commands.h"

#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstring>
#include <unistd.h>

namespace hadeploy::cli {

namespace {

/// Writes all of it; a reader that has gone away is no reason to fail.
void write_all(int fd, std::string_view text) {
    while (!text.empty()) {
        const ssize_t n = ::write(fd, text.data(), text.size());
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) return;
        text.remove_prefix(static_cast<std::size_t>(n));
    }
}

std::atomic<bool> stop{false};
/// A block is redrawn on the terminal: what is written beside it does not stay, so that it says
/// itself that hadeploy stops.
std::atomic<bool> block_shown{false};

extern "C" void on_signal(int) {
    if (!stop.exchange(true)) {
        static constexpr char text[] = "\n" HADEPLOY_STOPPING "\n";
        if (!block_shown) (void)!::write(STDERR_FILENO, text, sizeof text - 1);
        return;
    }
    static constexpr char show_cursor[] = "\x1b[?25h";
    if (::isatty(STDERR_FILENO)) (void)!::write(STDERR_FILENO, show_cursor, sizeof show_cursor - 1);
    static constexpr char left[] =
        "\nleft at once: what was under way may be half done, and goes on where it does not need "
        "hadeploy; the next plan or apply looks at it and goes on from there\n";
    (void)!::write(STDERR_FILENO, left, sizeof left - 1);
    ::_exit(130); // the intents in the state tell the next run what was under way
}

} // namespace

std::unique_ptr<Progress> Context::progress(std::size_t steps) const {
    ProgressMode mode = parse_progress_mode(args.progress).value_or(ProgressMode::automatic);
    if (args.json) mode = ProgressMode::json;
    const int fd = mode == ProgressMode::json ? STDOUT_FILENO : STDERR_FILENO;
    block_shown = shows_block(mode, fd);
    return make_progress(
        mode, steps, fd, [fd](std::string_view text) { write_all(fd, text); },
        [this](std::string_view text) { return project.hidden(text); }, [] { return stop.load(); },
        err);
}

void Context::print(std::string_view text) const {
    write_all(STDOUT_FILENO, project.hidden(text));
}
void Context::say(std::string_view text) const {
    write_all(STDERR_FILENO, project.hidden(text));
}

void Context::lock(Store& store, const std::string& command) const {
    using Clock = std::chrono::steady_clock;
    constexpr std::int64_t slice_ms = 200; // in time for a Ctrl-C
    const auto deadline = Clock::now() + std::chrono::duration<double>(args.lock_timeout);
    for (std::int64_t wait = 0;; wait = slice_ms) {
        try {
            return store.lock(command, wait);
        } catch (const Error& error) {
            if (error.kind != ErrorKind::locked || Clock::now() >= deadline) throw;
            if (wait == 0) say("waiting: " + error.message + "\n");
        }
        if (stop_requested()) throw Interrupted();
    }
}

std::atomic<bool>& stop_requested() {
    return stop;
}

void Context::print_secret(std::string_view text) const {
    write_all(STDOUT_FILENO, text);
}

void install_signal_handlers() {
    struct sigaction action = {};
    action.sa_handler = on_signal;
    sigemptyset(&action.sa_mask);
    action.sa_flags = SA_RESTART;
    sigaction(SIGINT, &action, nullptr);
    sigaction(SIGTERM, &action, nullptr);
}

} // namespace hadeploy::cli
