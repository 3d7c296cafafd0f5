#include "cli/render/progress.h"

#include "cli/render/plan_json.h"
#include "cli/render/progress_text.h"
#include "cli/render/progress_tty.h"
#include "cli/render/text.h"

#include <chrono>
#include <fmt/format.h>
#include <mutex>

namespace hadeploy::cli {

namespace {

class QuietProgress final : public Progress {
  public:
    void finish() override {}
};

/// One line per event with its time, for logs.
class PlainProgress final : public Progress {
  public:
    PlainProgress(std::size_t total, ProgressOutput output, const Style& style)
        : total_(total), output_(std::move(output)), style_(style), started_ms_(output_.now_ms()) {}

    void reading(std::string_view endpoint, std::size_t resources) override {
        const std::lock_guard lock(mutex_);
        line(fmt::format("reading {} at {}", counted(resources, "resource"), printable(endpoint)));
    }
    void waiting(std::string_view endpoint, std::string_view what) override {
        const std::lock_guard lock(mutex_);
        line(fmt::format("{}: {}", printable(endpoint), printable(what)));
    }
    void step_started(const Step& step, std::string_view doing) override {
        const std::lock_guard lock(mutex_);
        line(fmt::format("{}: {}", printable(step.address), printable(doing)));
    }
    void step_progress(const Step& step, std::string_view text) override {
        const std::lock_guard lock(mutex_);
        if (throttle_.is_news(step.address, text, output_.now_ms()))
            line(fmt::format("{}: {}", printable(step.address), printable(text)));
    }
    void step_done(const Step& step, StepResult result, std::int64_t ms) override {
        const std::lock_guard lock(mutex_);
        if (step.first_half) return; // reported with the second half
        ++done_;
        if (result == StepResult::forgotten) return; // the report counts them
        const bool timed = is_run(result);
        line(fmt::format("{}: {}{} ({}/{})", printable(step.address), outcome(step, result),
                         timed ? " in " + show_elapsed(ms) : "", done_, total_));
    }
    void step_failed(const Step& step, const Error& error, std::int64_t ms) override {
        const std::lock_guard lock(mutex_);
        if (!step.first_half) ++done_;
        line(fmt::format("{}: {} after {}: {}", printable(step.address),
                         style_.paint(Tint::red, "FAILED"), show_elapsed(ms),
                         printable(error.message)));
    }
    void finish() override {}
    bool note(std::string_view text) override {
        const std::lock_guard lock(mutex_);
        output_.write("\n" + std::string(text)); // the terminal shows ^C before it
        return true;
    }

  private:
    void line(const std::string& text) {
        const std::int64_t elapsed = output_.now_ms() - started_ms_;
        output_.write(fmt::format("[{:>7}] {}\n", show_elapsed(elapsed), text));
    }

    std::mutex mutex_;
    const std::size_t total_;
    const ProgressOutput output_;
    const Style style_;
    const std::int64_t started_ms_;
    std::size_t done_ = 0;
    Throttle throttle_;
};

/// Uses the types and keys of OpenTofu's machine-readable output, for compatibility with its
/// readers.
class JsonProgress final : public Progress {
  public:
    explicit JsonProgress(ProgressOutput output) : output_(std::move(output)) {}

    void reading(std::string_view endpoint, std::size_t resources) override {
        const std::lock_guard lock(mutex_);
        line("info", "refresh_start",
             fmt::format("reading {} at {}", counted(resources, "resource"), endpoint),
             {{"endpoint", endpoint}, {"resources", resources}});
    }
    void waiting(std::string_view endpoint, std::string_view what) override {
        const std::lock_guard lock(mutex_);
        line("info", "refresh_progress", fmt::format("{}: {}", endpoint, what),
             {{"endpoint", endpoint}, {"progress", what}});
    }
    void step_started(const Step& step, std::string_view doing) override {
        const std::lock_guard lock(mutex_);
        line("info", "apply_start", fmt::format("{}: {}", step.address, doing),
             {{"hook", hook(step)}});
    }
    void step_progress(const Step& step, std::string_view text) override {
        const std::lock_guard lock(mutex_);
        if (!throttle_.is_news(step.address, text, output_.now_ms())) return;
        nlohmann::json h = hook(step);
        h["progress"] = text;
        line("info", "apply_progress", fmt::format("{}: {}", step.address, text), {{"hook", h}});
    }
    void step_done(const Step& step, StepResult result, std::int64_t ms) override {
        if (step.first_half) return; // reported with the second half
        const std::lock_guard lock(mutex_);
        nlohmann::json h = hook(step);
        h["elapsed_ms"] = ms;
        h["result"] = step_result_name(result);
        line("info", "apply_complete", fmt::format("{}: {}", step.address, outcome(step, result)),
             {{"hook", h}});
    }
    void step_failed(const Step& step, const Error& error, std::int64_t ms) override {
        const std::lock_guard lock(mutex_);
        nlohmann::json h = hook(step);
        h["elapsed_ms"] = ms;
        h["error"] = error.message;
        line("error", "apply_errored", fmt::format("{}: {}", step.address, error.message),
             {{"hook", h}});
    }
    void finish() override {}

  private:
    static nlohmann::json hook(const Step& step) {
        return {{"resource", {{"addr", step.address}, {"resource_type", step.type->name}}},
                {"action", action_name(step.action)}};
    }
    void line(std::string_view level, std::string_view type, const std::string& message,
              nlohmann::json fields) {
        output_.write(json_line(level, type, message, output_.now_ms(), std::move(fields)) + "\n");
    }

    std::mutex mutex_;
    const ProgressOutput output_;
    Throttle throttle_;
};

std::int64_t wall_clock_ms() {
    using namespace std::chrono;
    return duration_cast<milliseconds>(system_clock::now().time_since_epoch()).count();
}

} // namespace

std::optional<ProgressMode> parse_progress_mode(std::string_view text) {
    if (text == "auto") return ProgressMode::automatic;
    if (text == "tty") return ProgressMode::tty;
    if (text == "plain") return ProgressMode::plain;
    if (text == "json") return ProgressMode::json;
    if (text == "quiet") return ProgressMode::quiet;
    return std::nullopt;
}

std::unique_ptr<Progress> make_progress(ProgressMode mode, std::size_t total, int fd,
                                        std::function<void(std::string_view)> write,
                                        std::function<std::string(std::string_view)> hide,
                                        const Style& style) {
    if (mode == ProgressMode::automatic)
        mode = can_redraw(fd) ? ProgressMode::tty : ProgressMode::plain;
    ProgressOutput output{
        .write = [write = std::move(write), hide](std::string_view text) { write(hide(text)); },
        .now_ms = wall_clock_ms,
        .size = [fd] { return terminal_size(fd); }};
    output.hide = std::move(hide);
    return make_progress(mode, total, std::move(output), style);
}

std::unique_ptr<Progress> make_progress(ProgressMode mode, std::size_t total, ProgressOutput output,
                                        const Style& style) {
    switch (mode) {
    case ProgressMode::tty: return make_tty_progress(total, std::move(output), style);
    case ProgressMode::json: return std::make_unique<JsonProgress>(std::move(output));
    case ProgressMode::quiet: return std::make_unique<QuietProgress>();
    case ProgressMode::automatic:
    case ProgressMode::plain: break;
    }
    return std::make_unique<PlainProgress>(total, std::move(output), style);
}

} // namespace hadeploy::cli
