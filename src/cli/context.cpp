#include "cli/context.h"

#include "cli/render/errors.h"

#include <atomic>
#include <cerrno>
#include <chrono>
#include <fmt/format.h>
#include <system_error>
#include <unistd.h>

namespace hadeploy::cli {

namespace {

std::atomic<int> output_error{0}; ///< the errno of the first failed write to standard output

/// Writes everything; a reader that closed its end is not an error.
void write_all(int fd, std::string_view text) {
    while (!text.empty()) {
        const ssize_t n = ::write(fd, text.data(), text.size());
        if (n < 0 && errno == EINTR) continue;
        if (n < 0 && errno != EPIPE && fd == STDOUT_FILENO) output_error = errno;
        if (n <= 0) return;
        text.remove_prefix(static_cast<std::size_t>(n));
    }
}

} // namespace

std::unique_ptr<Progress> Context::progress(std::size_t steps) const {
    return progress(
        steps, args.json ? ProgressMode::json
                         : parse_progress_mode(args.progress).value_or(ProgressMode::automatic));
}

std::unique_ptr<Progress> Context::quiet_progress(std::size_t steps) const {
    return progress(steps, ProgressMode::quiet);
}

std::unique_ptr<Progress> Context::progress(std::size_t steps, ProgressMode mode) const {
    const int fd = mode == ProgressMode::json ? STDOUT_FILENO : STDERR_FILENO;
    auto shown = make_progress(
        mode, steps, fd, [fd](std::string_view text) { write_all(fd, text); },
        [this](std::string_view text) { return project.hidden(text); }, err);
    return watched(
        std::move(shown), steps > 0, [this](std::string_view text) { say(text); },
        [this](const std::vector<Error>& errors) {
            return render_errors(errors, project.sources(), err);
        });
}

bool Context::progress_stays() const {
    return !args.json && args.progress != "quiet" && args.progress != "json" &&
           ::isatty(STDOUT_FILENO) == 1 && ::isatty(STDERR_FILENO) == 1;
}

void Context::print(std::string_view text) const {
    write_all(STDOUT_FILENO, project.hidden(text));
}
void Context::say(std::string_view text) const {
    write_all(STDERR_FILENO, project.hidden(text));
}

void Context::lock(Store& store, const std::string& command) const {
    using Clock = std::chrono::steady_clock;
    constexpr std::int64_t slice_ms = 200; // so that Ctrl-C is noticed
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

void Context::check_output() const {
    if (output_error == 0) return;
    throw Error(ErrorKind::failed, fmt::format("standard output cannot be written: {}",
                                               std::generic_category().message(output_error)))
        .with_hint("the output is incomplete: write it to a file system with enough free space");
}

void Context::print_secret(std::string_view text) const {
    write_all(STDOUT_FILENO, text);
}

} // namespace hadeploy::cli
