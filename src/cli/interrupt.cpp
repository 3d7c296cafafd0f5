#include "cli/interrupt.h"

#include "cli/render/open_work.h"
#include "core/clock.h"
#include "core/hash.h"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <fcntl.h>
#include <map>
#include <mutex>
#include <thread>
#include <unistd.h>
#include <utility>

namespace hadeploy::cli {

namespace {

constexpr int kInterrupted = 130;

std::atomic<bool> stop{false};
std::atomic<int> signals{0};
std::atomic<int> first{0}; ///< number of the first signal
std::atomic<bool> answered{
    false}; ///< by the thread of Answers, which can do more than a signal handler
std::atomic<bool> asking{false};
std::atomic<bool> changing{false}; ///< steps run: their reads are not cancelled
std::atomic<int> signal_pipe{-1};  ///< where the handler notifies that thread

void show_cursor() {
    static constexpr char text[] = "\x1b[?25h";
    if (::isatty(STDERR_FILENO) == 1) (void)!::write(STDERR_FILENO, text, sizeof text - 1);
}

extern "C" void on_signal(int number) {
    const int before = errno;
    const int count = ++signals;
    if (count == 1) first = number;
    stop = true;
    if (!changing) stop_hashing = true;
    if (answered && count <= 2) {
        (void)!::write(signal_pipe, "!", 1);
    } else if (count == 1) {
        static constexpr char text[] = "\nstopping (press Ctrl-C again to exit immediately)\n";
        if (!asking) (void)!::write(STDERR_FILENO, text, sizeof text - 1);
    } else { // nothing runs, or a third signal because the answer to the second hangs
        show_cursor();
        static constexpr char text[] = "\nexited immediately\n";
        (void)!::write(STDERR_FILENO, text, sizeof text - 1);
        ::_exit(kInterrupted); // open intents in the state tell the next run what was in progress
    }
    errno = before;
}

class Watched;

/// The thread that answers signals, and the progress that supplies the text.
class Answers {
  public:
    static Answers& get() {
        static auto* const all = new Answers; // the thread outlives main()
        return *all;
    }

    void begin(Watched* progress) {
        const std::lock_guard lock(mutex_);
        if (!std::exchange(started_, true)) start();
        current_ = progress;
        answered = signal_pipe >= 0;
    }
    /// Stops using this progress.
    void end(const Watched* progress) {
        const std::lock_guard lock(mutex_);
        if (current_ != progress) return;
        current_ = nullptr;
        answered = false;
    }
    std::stop_source looking; ///< stops all reads, also between changes

  private:
    void start() {
        int ends[2];
        if (::pipe2(ends, O_CLOEXEC) != 0) return; // the handler answers with a shorter text
        std::thread([this, from = ends[0]] {
            char one = '\0';
            while (true) {
                const ssize_t n = ::read(from, &one, 1);
                if (n == 1) answer();
                if (n == 0 || (n < 0 && errno != EINTR)) return;
            }
        }).detach();
        signal_pipe = ends[1];
    }
    void answer();

    std::mutex mutex_;
    bool started_ = false;
    int count_ = 0;
    Watched* current_ = nullptr;
};

class Watched final : public Progress {
  public:
    Watched(std::unique_ptr<Progress> shown, bool changes,
            std::function<void(std::string_view)> say,
            std::function<std::string(const std::vector<Error>&)> errors)
        : shown_(std::move(shown)), changes_(changes), say_(std::move(say)),
          errors_(std::move(errors)) {
        Answers::get().begin(this);
        changing = changes_;
    }
    ~Watched() override {
        changing = false;
        Answers::get().end(this);
    }

    void finish() override {
        Answers::get().end(this);
        shown_->finish();
    }
    void reading(std::string_view endpoint, std::size_t resources) override {
        shown_->reading(endpoint, resources);
    }
    void waiting(std::string_view endpoint, std::string_view what) override {
        shown_->waiting(endpoint, what);
    }
    void step_started(const Step& step, std::string_view doing) override {
        {
            const std::lock_guard lock(mutex_);
            open_[step.address] = {step.address, std::string(doing), "", now_ms()};
        }
        shown_->step_started(step, doing);
    }
    void step_progress(const Step& step, std::string_view text) override {
        {
            const std::lock_guard lock(mutex_);
            if (const auto it = open_.find(step.address); it != open_.end())
                it->second.progress = text;
        }
        shown_->step_progress(step, text);
    }
    void step_done(const Step& step, StepResult result, std::int64_t ms) override {
        close(step);
        shown_->step_done(step, result, ms);
    }
    void step_failed(const Step& step, const Error& error, std::int64_t ms) override {
        close(step);
        {
            const std::lock_guard lock(mutex_);
            failed_.push_back(error);
        }
        shown_->step_failed(step, error, ms);
    }
    bool note(std::string_view text) override { return shown_->note(text); }

    /// Answers the first signal.
    void say_stopping() {
        Answers::get().looking.request_stop();
        const std::lock_guard lock(mutex_);
        const std::string text = changes_ ? stopping_text(open_steps(), now_ms()) : kStoppingToLook;
        if (!shown_->note(text)) say_("\n" + text);
    }
    /// Answers the second signal.
    void say_left() {
        shown_->finish();
        show_cursor();
        const std::lock_guard lock(mutex_);
        if (!changes_) return say_("\nexited immediately: nothing was changed\n");
        if (!failed_.empty()) say_("\n" + errors_(failed_));
        say_("\n" + left_text(open_steps(), now_ms()));
    }

  private:
    void close(const Step& step) {
        const std::lock_guard lock(mutex_);
        open_.erase(step.address);
    }
    /// In the order in which they were started.
    std::vector<OpenStep> open_steps() const {
        std::vector<OpenStep> out;
        for (const auto& [address, step] : open_) out.push_back(step);
        std::stable_sort(out.begin(), out.end(), [](const OpenStep& a, const OpenStep& b) {
            return a.since_ms < b.since_ms;
        });
        return out;
    }

    std::mutex mutex_;                     ///< guards open_ and failed_
    std::map<std::string, OpenStep> open_; ///< by address
    std::vector<Error> failed_;
    const std::unique_ptr<Progress> shown_;
    const bool changes_;
    const std::function<void(std::string_view)> say_;
    const std::function<std::string(const std::vector<Error>&)> errors_;
};

void Answers::answer() {
    const std::lock_guard lock(mutex_);
    const bool first = ++count_ == 1;
    if (current_ == nullptr) return; // it has ended, and reports its result itself
    if (first) return current_->say_stopping();
    current_->say_left();
    ::_exit(kInterrupted); // open intents in the state tell the next run what was in progress
}

} // namespace

std::atomic<bool>& stop_requested() {
    return stop;
}

int first_signal() {
    return first;
}

std::stop_token stop_looking() {
    return Answers::get().looking.get_token();
}

Asking::Asking() {
    asking = true;
}
Asking::~Asking() {
    asking = false;
}

void install_signal_handlers() {
    struct sigaction action = {};
    action.sa_handler = on_signal;
    sigemptyset(&action.sa_mask);
    action.sa_flags = SA_RESTART;
    sigaction(SIGINT, &action, nullptr);
    sigaction(SIGTERM, &action, nullptr);
}

std::unique_ptr<Progress> watched(std::unique_ptr<Progress> shown, bool changes,
                                  std::function<void(std::string_view)> say,
                                  std::function<std::string(const std::vector<Error>&)> errors) {
    return std::make_unique<Watched>(std::move(shown), changes, std::move(say), std::move(errors));
}

} // namespace hadeploy::cli
